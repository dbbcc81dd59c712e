package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

const (
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeIndex    = "application/vnd.oci.image.index.v1+json"
)

type object = map[string]any

// driver is a stand-in executable that says who it is.
func driver(name, version, platform string) []byte {
	return fmt.Appendf(nil, "#!/bin/sh\necho %s %s %s\nexit 0\n", name, version, platform)
}

func archive(file string, body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	t.WriteHeader(&tar.Header{Name: file, Mode: 0o755, Size: int64(len(body)), Typeflag: tar.TypeReg})
	t.Write(body)
	t.Close()
	z.Close()
	return b.Bytes()
}

// otherwise is archive for a layer that an image cannot hold as it is, or only one
// without a base.
func otherwise(kind, name, file string, body []byte) []byte {
	h := tar.Header{Name: file, Mode: 0o755, Size: int64(len(body)), Typeflag: tar.TypeReg}
	headers := []*tar.Header{&h}
	switch kind {
	case "bare":
		return body
	case "short":
		h.Name = "schemahero-" + name
	case "zstd", "tar":
	case "users":
		h.Uid, h.Gid = 1001, 127
	case "secret":
		h.Mode = 0o700
	case "setuid":
		h.Mode = 0o4755
	case "twice":
		headers = append(headers, &h)
	case "folder":
		headers = []*tar.Header{{Name: "./", Mode: 0o700, Typeflag: tar.TypeDir}, &h}
	case "host":
		headers = append(headers, &tar.Header{Name: "usr/bin/kubectl-schemahero", Mode: 0o755, Typeflag: tar.TypeReg})
	}
	var b bytes.Buffer
	var z io.WriteCloser = gzip.NewWriter(&b)
	switch kind {
	case "zstd":
		z, _ = zstd.NewWriter(&b)
	case "tar":
		z = nopCloser{&b}
	}
	t := tar.NewWriter(z)
	for _, h := range headers {
		t.WriteHeader(h)
		t.Write(body[:h.Size])
	}
	t.Close()
	z.Close()
	return b.Bytes()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// publisher pushes by plain HTTP, as the oras CLI would.
type publisher struct {
	ts   *testscript.TestScript
	url  string // of the registry
	auth string
	repo string
}

func (p publisher) do(method, url, mediaType string, body []byte) {
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	p.ts.Check(err)
	req.Header.Set("Content-Type", mediaType)
	if p.auth != "" {
		user, password, _ := strings.Cut(p.auth, ":")
		req.SetBasicAuth(user, password)
	}
	resp, err := http.DefaultClient.Do(req)
	p.ts.Check(err)
	said, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode >= 300 {
		p.ts.Fatalf("%s %s: %s\n%s", method, url, resp.Status, said)
	}
}

func (p publisher) blob(mediaType, title string, data []byte) object {
	p.do("POST", p.url+"/v2/"+p.repo+"/blobs/uploads/?digest="+sum(data), "application/octet-stream", data)
	d := object{"mediaType": mediaType, "digest": sum(data), "size": len(data)}
	if title != "" {
		d["annotations"] = object{"org.opencontainers.image.title": title}
	}
	return d
}

func (p publisher) manifest(mediaType string, m object, tags ...string) object {
	m["schemaVersion"], m["mediaType"] = 2, mediaType
	data, err := json.Marshal(m)
	p.ts.Check(err)
	if len(tags) == 0 {
		tags = []string{sum(data)}
	}
	for _, tag := range tags {
		p.do("PUT", p.url+"/v2/"+p.repo+"/manifests/"+tag, mediaType, data)
	}
	return object{"mediaType": mediaType, "digest": sum(data), "size": len(data)}
}

func (p publisher) empty() object {
	return p.blob("application/vnd.oci.empty.v1+json", "", []byte("{}"))
}

// cmdPublish: publish REGISTRY LAYOUT NAME VERSION [option...] publishes as
// authors do, by default as REGISTRY/schemahero/plugins/NAME for linux/amd64
// and linux/arm64. Options: repo=PATH, platforms=a/b,c/d, badsum, floating,
// annotation=KEY=VALUE, say=TEXT (other bytes), layer=KIND (see otherwise).
func cmdPublish(ts *testscript.TestScript, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	layout, name, version := args[1], args[2], args[3]
	p := publisher{ts: ts, url: r.URL, auth: r.user, repo: "schemahero/plugins/" + name}
	platforms := []string{"linux/amd64", "linux/arm64"}
	notes := object{"org.opencontainers.image.title": "schemahero-" + name, "org.opencontainers.image.version": strings.TrimPrefix(version, "v")}
	badsum, floating, says, kind := false, false, version, ""
	for _, o := range args[4:] {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "repo":
			p.repo = value
		case "platforms":
			platforms = strings.Split(value, ",")
		case "badsum":
			badsum = true
		case "floating":
			floating = true
		case "say":
			says = value
		case "layer":
			kind = value
		case "annotation":
			k, v, _ := strings.Cut(value, "=")
			notes[k] = v
		default:
			ts.Fatalf("publish: unknown option %q", o)
		}
	}
	tag := strings.ReplaceAll(version, "+", "_")
	tags := []string{tag}
	if floating {
		parts := strings.Split(version, ".")
		tags = append(tags, "latest", parts[0], parts[0]+"."+parts[1])
	}
	var layers, manifests []any
	for _, platform := range platforms {
		file := "schemahero-" + name + "-" + strings.ReplaceAll(platform, "/", "-")
		data, title := archive(file, driver(name, says, platform)), file+".tar.gz"
		if kind != "" {
			data = otherwise(kind, name, file, driver(name, says, platform))
		}
		if kind == "bare" {
			title = file
		}
		hex := strings.TrimPrefix(sum(data), "sha256:")
		if badsum {
			hex = strings.Repeat("0", 64)
		}
		pair := []any{
			p.blob("application/gzip", title, data),
			p.blob("text/plain", title+".sha256", []byte(hex+"  "+title+"\n")),
		}
		layers = append(layers, pair...)
		if layout == "files" {
			continue
		}
		os, arch, _ := strings.Cut(platform, "/")
		own := object{"org.opencontainers.image.platform": platform}
		for k, v := range notes {
			own[k] = v
		}
		m := object{"artifactType": "application/vnd.schemahero.plugin.v1+tar", "config": p.empty(), "layers": pair, "annotations": own}
		names := []string{tag + "-" + os + "-" + arch}
		if layout == "tags" && platform == platforms[0] {
			names = append(names, tags...)
		}
		d := p.manifest(typeManifest, m, names...)
		d["platform"] = object{"os": os, "architecture": arch}
		manifests = append(manifests, d)
	}
	switch layout {
	case "files":
		layers = append(layers, p.blob(typeIndex, "index.json", []byte(`{"not":"an index"}`)))
		p.manifest(typeManifest, object{"artifactType": "application/vnd.schemahero.plugin.v1.multi+tar", "config": p.empty(), "layers": layers, "annotations": notes}, tags...)
	case "index":
		p.manifest(typeIndex, object{"manifests": manifests, "annotations": notes}, tags...)
	case "tags":
	default:
		ts.Fatalf("publish: unknown layout %q", layout)
	}
}

// cmdRetag: retag REGISTRY PATH TAG NEWTAG makes NEWTAG name what TAG names.
// A NEWTAG that exists is moved. retag -d REGISTRY PATH TAG deletes a tag.
func cmdRetag(ts *testscript.TestScript, args []string) {
	if args[0] == "-d" {
		r := worldOf(ts).registry(ts, args[1])
		publisher{ts: ts, url: r.URL, auth: r.user}.do("DELETE", r.URL+"/v2/"+args[2]+"/manifests/"+args[3], "", nil)
		return
	}
	r := worldOf(ts).registry(ts, args[0])
	req, err := http.NewRequest("GET", r.URL+"/v2/"+args[1]+"/manifests/"+args[2], nil)
	ts.Check(err)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(resp.Body)
	ts.Check(err)
	if resp.StatusCode != 200 {
		ts.Fatalf("%s: %s", args[2], resp.Status)
	}
	publisher{ts: ts, url: r.URL, auth: r.user}.do("PUT", r.URL+"/v2/"+args[1]+"/manifests/"+args[3], resp.Header.Get("Content-Type"), body.Bytes())
}

// cmdRefer: refer REGISTRY PATH TAG TYPE [OPTION...] pushes a manifest of an
// artifact type that refers to what a tag names. Options: annotation=KEY=VALUE,
// layer=MEDIATYPE=TEXT, bytes=N (padding), times=N (as many, each its own).
func cmdRefer(ts *testscript.TestScript, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	p := publisher{ts: ts, url: r.URL, auth: r.user, repo: args[1]}
	resp, err := http.Head(p.url + "/v2/" + p.repo + "/manifests/" + args[2])
	ts.Check(err)
	resp.Body.Close()
	subject := object{"mediaType": resp.Header.Get("Content-Type"), "digest": resp.Header.Get("Docker-Content-Digest"), "size": resp.ContentLength}
	notes, layers, times := object{}, []any{p.empty()}, 1
	for _, o := range args[4:] {
		key, value, _ := strings.Cut(o, "=")
		first, second, _ := strings.Cut(value, "=")
		n := 0
		fmt.Sscan(value, &n)
		switch key {
		case "annotation":
			notes[first] = second
		case "layer":
			layers = []any{p.blob(first, "", []byte(second))}
		case "bytes":
			notes["padding"] = strings.Repeat("x", n)
		case "times":
			times = n
		default:
			ts.Fatalf("refer: unknown option %q", o)
		}
	}
	for i := range times {
		if times > 1 {
			notes["number"] = fmt.Sprint(i)
		}
		p.manifest(typeManifest, object{"artifactType": args[3], "config": p.empty(), "layers": layers, "subject": subject, "annotations": notes})
	}
}
