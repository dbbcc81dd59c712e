package artifact_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestMalformed(t *testing.T) {
	const manifest, index = ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex
	for _, c := range []struct{ name, mediaType, data, want string }{
		{"nothing", manifest, "", "does not parse"},
		{"no JSON", manifest, "<html>", "does not parse"},
		{"a list", index, "[]", "does not parse"},
		{"cut short", index, `{"manifests":[{"mediaType":`, "does not parse"},
		{"more behind it", manifest, `{} {}`, "does not parse"},
		{"null", manifest, "null", "is not a release of x"},
		{"empty manifest", manifest, "{}", "is not a release of x"},
		{"empty index", index, "{}", "holds no executable of x"},
		{"layers of another type", manifest, `{"layers":"none"}`, "does not parse"},
		{"manifests of another type", index, `{"manifests":{"a":1}}`, "does not parse"},
		{"size that is not an integer", manifest, `{"layers":[{"size":1e400}]}`, "does not parse"},
		{"size over 64 bits", manifest, `{"layers":[{"size":99999999999999999999}]}`, "does not parse"},
		{"nested without end", index, strings.Repeat(`{"manifests":[`, 20000), "does not parse"},
		{"manifest and index at once", index, `{"manifests":[],"layers":[]}`, "is a manifest and an index at once"},
		{"manifest and index at once, other case", manifest, `{"Manifests":[],"config":{}}`, "is a manifest and an index at once"},
		{"a manifest sent as an index", index, `{"mediaType":"` + manifest + `","layers":[]}`, "was sent as"},
		{"an index sent as a manifest", manifest, `{"mediaType":"` + index + `","manifests":[]}`, "was sent as"},
		{"another type inside", manifest, `{"mediaType":"text/html"}`, "was sent as"},
		{"a type that is not a manifest", "application/vnd.docker.distribution.manifest.v1+prettyjws", "{}", "is neither an index's nor a manifest's"},
		{"no type at all", "", "{}", `media type "" is neither`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRepository(t)
			r.raw("0.1.0", c.mediaType, c.data)
			read := func(what string, rel *artifact.Release, err error) {
				t.Helper()
				var bad *artifact.FormatError
				if !errors.As(err, &bad) || bad.Subject != "0.1.0" || !strings.Contains(bad.Problem, c.want) || rel != nil {
					t.Errorf("%s: %v, %v", what, rel, err)
				}
			}
			rel, err := r.read()
			read("as a version", rel, err)
			rel, err = artifact.ReadReference(t.Context(), r, "x", "0.1.0")
			read("as a reference", rel, err)
		})
	}
}

func TestMediaTypeInside(t *testing.T) {
	r := newRepository(t)
	amd64, arm64 := r.both()
	// A registry that answers with a type of its own: what the bytes say counts.
	r.index("0.1.0", nil, on("linux/amd64", amd64), on("linux/arm64", arm64))
	r.types[r.tags["0.1.0"]] = "application/json"
	r.types[amd64.Digest] = "application/octet-stream"
	rel, err := r.read()
	if err != nil || told(rel) != twoBuilds {
		t.Errorf("%v\n%s", err, told(rel))
	}
}

// An index can list any number of manifests; only one for each platform that
// Go knows is ever fetched.
func TestHugeIndex(t *testing.T) {
	r := newRepository(t)
	amd64, _ := r.both()
	entries := make([]ocispec.Descriptor, 10000)
	for i := range entries {
		entries[i] = on(fmt.Sprintf("linux/arch%d", i), amd64)
	}
	r.index("0.1.0", nil, append(entries, on("linux/amd64", amd64))...)
	rel, err := r.read()
	if err != nil || len(rel.Builds) != 1 || len(r.gets) != 2 {
		t.Errorf("%d manifests read, %v", len(r.gets), err)
	}
}

// FuzzRead feeds whatever bytes a registry may send. A release that is read at
// all holds only what a lock can record.
func FuzzRead(f *testing.F) {
	seed := newRepository(f)
	amd64, arm64 := seed.both()
	for _, d := range []ocispec.Descriptor{
		amd64, seed.index("", created("2026-01-01T00:00:00Z"), on("linux/amd64", amd64), on("linux/arm64", arm64)),
		seed.manifest("", artifact.TypeMulti, map[string]string{artifact.AnnotationHost: ">=0.24"}, seed.archive("linux/amd64"), seed.archive("windows/arm64")),
		seed.manifest("", artifact.TypeSingle, map[string]string{artifact.AnnotationPlatform: "linux/arm/v7"}, seed.layer("application/gzip", "../x", "a")),
	} {
		f.Add(seed.blobs[d.Digest], seed.blobs[amd64.Digest], artifact.IsIndex(d.MediaType))
	}
	f.Fuzz(func(t *testing.T, root, platform []byte, isIndex bool) {
		r := newRepository(t)
		mediaType := ocispec.MediaTypeImageManifest
		if isIndex {
			mediaType = ocispec.MediaTypeImageIndex
		}
		r.raw("0.1.0", mediaType, string(root))
		r.raw("0.1.0-linux-arm64", ocispec.MediaTypeImageManifest, string(platform))
		rel, err := r.read()
		if err != nil {
			return
		}
		if len(rel.Builds) == 0 || len(rel.Builds) != len(rel.Offered) || !artifact.IsDigest(rel.Digest.String()) {
			t.Fatalf("%+v", rel)
		}
		seen := map[artifact.Platform]bool{}
		for _, b := range rel.Builds {
			again, err := artifact.ParsePlatform(b.Platform.String())
			if err != nil || again != b.Platform || seen[again] {
				t.Errorf("platform %v: %v", b.Platform, err)
			}
			seen[again] = true
			if !artifact.IsDigest(b.Layer.Digest.String()) || !artifact.IsDigest(b.Manifest.String()) || b.Layer.Size <= 0 || artifact.CheckFile(b.File) != nil ||
				b.Executable != "" && !artifact.IsDigest(b.Executable.String()) || b.Tag != "" && !artifact.IsTag(b.Tag) {
				t.Errorf("%+v", b)
			}
		}
		for name, constraint := range rel.Requires {
			if artifact.CheckName(name) != nil || !artifact.IsConstraint(constraint) {
				t.Errorf("requires %q %q", name, constraint)
			}
		}
	})
}
