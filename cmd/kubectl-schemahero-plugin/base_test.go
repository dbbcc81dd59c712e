package main

import (
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdBase: base REGISTRY PATH:TAG KIND publishes an image, as the manager's is.
// KINDs: index, which has an attestation as buildx makes it; docker, a list of
// Docker's types; one, a manifest for linux/amd64; and what is no image that can be
// a base: list (an index of nothing), short (a diff id too few), other (the config
// is of another platform), type (a layer of another type).
func cmdBase(ts *testscript.TestScript, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	path, tag, _ := strings.Cut(args[1], ":")
	kind := args[2]
	p := publisher{ts: ts, url: r.URL, auth: r.user, repo: path}
	configType, layerType, manifestType, indexType := "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip", typeManifest, typeIndex
	if kind == "docker" {
		configType, layerType = "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip"
		manifestType, indexType = "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json"
	}
	if kind == "type" {
		layerType = "application/octet-stream"
	}
	image := func(arch, variant string, tags ...string) object {
		layer := archive("manager", []byte("the manager for "+arch))
		diffs := []string{sum([]byte("tar for " + arch))}
		if kind == "short" {
			diffs = nil
		}
		if kind == "other" {
			arch = "s390x"
		}
		config := object{
			"architecture": arch, "os": "linux", "created": "2026-11-01T00:00:00Z", "author": "<a&b>",
			"config":  object{"User": "schemahero-manager", "Env": []string{"HOME=/home/schemahero-manager"}},
			"rootfs":  object{"type": "layers", "diff_ids": diffs},
			"history": []object{{"created": "2026-11-01T00:00:00Z", "created_by": "COPY manager / # " + arch}},
		}
		if kind == "docker" {
			delete(config, "history")
		}
		data, err := json.Marshal(config)
		ts.Check(err)
		d := p.manifest(manifestType, object{"config": p.blob(configType, "", data), "layers": []any{p.blob(layerType, "", layer)}}, tags...)
		d["platform"] = object{"os": "linux", "architecture": arch}
		if variant != "" {
			d["platform"] = object{"os": "linux", "architecture": arch, "variant": variant}
		}
		return d
	}
	switch kind {
	case "one", "short", "type":
		image("amd64", "", tag)
	case "list":
		p.manifest(indexType, object{"manifests": []any{}}, tag)
	case "other":
		d := image("amd64", "")
		d["platform"] = object{"os": "linux", "architecture": "amd64"}
		p.manifest(indexType, object{"manifests": []any{d}}, tag)
	case "docker":
		p.manifest(indexType, object{"manifests": []any{image("amd64", "")}}, tag)
	case "index":
		attestation := p.manifest(typeManifest, object{"config": p.empty(), "layers": []any{}})
		attestation["platform"] = object{"os": "unknown", "architecture": "unknown"}
		p.manifest(indexType, object{"manifests": []any{image("amd64", ""), attestation, image("arm64", "v8")}}, tag)
	default:
		ts.Fatalf("base: unknown kind %q", kind)
	}
}
