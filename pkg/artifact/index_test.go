package artifact_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// both are the manifests of an ordinary release for two platforms.
func (r *repository) both() (amd64, arm64 ocispec.Descriptor) {
	amd64 = r.manifest("", artifact.TypeSingle, nil, r.archive("linux/amd64"))
	arm64 = r.manifest("", artifact.TypeSingle, nil, r.archive("linux/arm64"))
	return amd64, arm64
}

// twice are entries for one platform, packed with gzip and with zstd.
func (r *repository) twice() (gzip, zstd ocispec.Descriptor) {
	gzip = r.manifest("", artifact.TypeSingle, nil, r.archive("linux/amd64"))
	zstd = r.manifest("", artifact.TypeSingle, nil, r.layer("application/zstd", "schemahero-x-linux-amd64.tar.zst", "zstd"))
	zstd.Annotations = map[string]string{artifact.AnnotationZstd: "true"}
	return gzip, zstd
}

const twoBuilds = `index version=0.1.0 tag=0.1.0
linux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz
linux/arm64 tag= file=schemahero-x-linux-arm64.tar.gz`

func TestIndex(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(r *repository)
		want string
	}{
		{"a manifest for each platform", func(r *repository) {
			amd64, arm64 := r.both()
			r.index("0.1.0", nil, on("linux/arm64", arm64), on("linux/amd64", amd64))
		}, twoBuilds},
		{"attestations have no platform", func(r *repository) {
			amd64, arm64 := r.both()
			attestation := r.manifest("", "", nil, r.blob("application/vnd.in-toto+json", "{}"))
			r.index("0.1.0", nil, on("unknown/unknown", attestation), on("linux/amd64", amd64), on("linux/arm64", arm64), attestation)
		}, twoBuilds},
		{"an index within is not followed", func(r *repository) {
			amd64, arm64 := r.both()
			inner := r.index("", nil, on("darwin/arm64", arm64))
			r.index("0.1.0", nil, on("darwin/arm64", inner), on("linux/amd64", amd64), on("linux/arm64", arm64))
		}, twoBuilds},
		{"of two for one platform the first", func(r *repository) {
			amd64, arm64 := r.both()
			second := r.manifest("", artifact.TypeSingle, nil, r.layer("application/gzip", "second", "second"))
			r.index("0.1.0", nil, on("linux/amd64", amd64), on("linux/arm64", arm64), on("linux/amd64", second), on("linux/arm64/v8", second))
		}, twoBuilds},
		{"of one packed with gzip and one with zstd the latter", func(r *repository) {
			gzip, zstd := r.twice()
			r.index("0.1.0", nil, on("linux/amd64", gzip), on("linux/amd64", zstd))
		}, "index version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.zst other"},
		{"wherever it stands", func(r *repository) {
			gzip, zstd := r.twice()
			second := zstd
			second.Digest = gzip.Digest
			r.index("0.1.0", nil, on("linux/amd64", zstd), on("linux/amd64", gzip), on("linux/amd64", second))
		}, "index version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.zst other"},
		{"of two packed with zstd the first", func(r *repository) {
			gzip, zstd := r.twice()
			gzip.Annotations = zstd.Annotations
			r.index("0.1.0", nil, on("linux/amd64", zstd), on("linux/amd64", gzip))
		}, "index version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.zst"},
		{"another value than true is none", func(r *repository) {
			gzip, zstd := r.twice()
			zstd.Annotations[artifact.AnnotationZstd] = "false"
			r.index("0.1.0", nil, on("linux/amd64", gzip), on("linux/amd64", zstd))
		}, "index version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz"},
		{"Docker's media types", func(r *repository) {
			amd64, arm64 := r.both()
			docker := func(d ocispec.Descriptor) ocispec.Descriptor {
				const mediaType = "application/vnd.docker.distribution.manifest.v2+json"
				out := r.raw("", mediaType, strings.Replace(string(r.blobs[d.Digest]), ocispec.MediaTypeImageManifest, mediaType, 1))
				return out
			}
			const list = "application/vnd.docker.distribution.manifest.list.v2+json"
			r.raw("0.1.0", list, r.encode(ocispec.Index{MediaType: list, Manifests: []ocispec.Descriptor{
				on("linux/amd64", docker(amd64)), on("linux/arm64", docker(arm64)),
			}}))
		}, twoBuilds},
		{"platform tags are not looked at", func(r *repository) {
			amd64, arm64 := r.both()
			r.index("0.1.0", nil, on("linux/amd64", amd64), on("linux/arm64", arm64))
			r.manifest("0.1.0-darwin-arm64", artifact.TypeSingle, nil, r.archive("darwin/arm64"))
		}, twoBuilds},
		{"a variant, which the title leaves out", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, r.layer("application/gzip", "schemahero-x-linux-arm.tar.gz", "arm"))
			r.index("0.1.0", nil, on("linux/arm/v7", m))
		}, "index version=0.1.0 tag=0.1.0\nlinux/arm/v7 tag= file=schemahero-x-linux-arm.tar.gz"},
		{"variants side by side", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, r.archive("linux/arm"), r.archive("linux/arm/v6"), r.archive("linux/arm/v7"))
			r.index("0.1.0", nil, on("linux/arm/v7", m))
		}, "index version=0.1.0 tag=0.1.0\nlinux/arm/v7 tag= file=schemahero-x-linux-arm-v7.tar.gz"},
		{"of two archives for the platform the first", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, r.archive("linux/amd64"), r.layer("application/gzip", "schemahero-x-linux-amd64.tgz", "b"))
			n := r.manifest("", artifact.TypeSingle, nil, r.archive("linux/arm"), r.layer("application/gzip", "schemahero-x-linux-arm.tgz", "b"))
			r.index("0.1.0", nil, on("linux/amd64", m), on("linux/arm/v7", n))
		}, "index version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz\nlinux/arm/v7 tag= file=schemahero-x-linux-arm.tar.gz"},
		{"checksum and metadata beside", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil,
				r.layer("text/plain", "schemahero-x-linux-amd64.tar.gz.sha256", "sum"), r.layer("application/json", "artifacts.json", "{}"), r.archive("linux/amd64"))
			r.index("0.1.0", nil, on("linux/amd64", m))
		}, "index version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz sum"},
		{"a layer with no title", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, r.layer("application/gzip", "", "a"), r.layer("text/plain", "", "a sum"), ocispec.DescriptorEmptyJSON)
			r.index("0.1.0", nil, on("linux/amd64", m))
		}, "index version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz"},
		{"the bare executable", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, r.layer("application/octet-stream", "schemahero-x", "ELF"))
			w := r.manifest("", artifact.TypeSingle, nil, r.layer("application/octet-stream", "schemahero-x-windows-amd64.exe", "MZ"))
			r.index("0.1.0", nil, on("linux/amd64", m), on("windows/amd64", w))
		}, "index version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x\nwindows/amd64 tag= file=schemahero-x-windows-amd64.exe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRepository(t)
			c.make(r)
			rel, err := r.read()
			if err != nil {
				t.Fatal(err)
			}
			if got := told(rel); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if !slices.Equal(rel.Offered, rel.Platforms()) || rel.Digest != r.tags["0.1.0"] {
				t.Errorf("offered %v of %v, digest %s", rel.Platforms(), rel.Offered, rel.Digest)
			}
			for _, b := range rel.Builds {
				if _, ok := r.blobs[b.Manifest]; !ok {
					t.Errorf("%s: manifest %s is none of the repository's", b.Platform, b.Manifest)
				}
				if b.Layer.Digest != digest.FromBytes(r.blobs[b.Layer.Digest]) || b.Layer.Size != int64(len(r.blobs[b.Layer.Digest])) {
					t.Errorf("%s: layer %v", b.Platform, b.Layer)
				}
			}
		})
	}
}

func TestIndexRefused(t *testing.T) {
	zeros := digest.Digest("sha512:" + strings.Repeat("0", 128))
	for _, c := range []struct {
		name string
		make func(r *repository)
		want string
	}{
		{"no platform at all", func(r *repository) { r.index("0.1.0", nil) }, "0.1.0: holds no executable of x for any platform: it is an index of 0 manifests, none for a platform"},
		{"another variant's archive", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, r.archive("linux/arm/v6"))
			r.index("0.1.0", nil, on("linux/arm/v7", m))
		}, "DIGEST: no layer is titled schemahero-x-linux-arm-v7.tar.gz, and 0 others could be meant: it is a driver's manifest"},
		{"another platform's archive", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, r.archive("linux/arm64"))
			r.index("0.1.0", nil, on("linux/amd64", m))
		}, "DIGEST: no layer is titled schemahero-x-linux-amd64.tar.gz, and 0 others could be meant: it is a driver's manifest"},
		{"another platform's annotation", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, map[string]string{artifact.AnnotationPlatform: "linux/arm64"}, r.layer("application/gzip", "", "a"))
			r.index("0.1.0", nil, on("linux/amd64", m))
		}, "DIGEST: is offered for linux/amd64 and says that it is for linux/arm64"},
		{"two layers that could be meant", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, r.layer("application/gzip", "a", "a"), r.layer("application/gzip", "b", "b"))
			r.index("0.1.0", nil, on("linux/amd64", m))
		}, "DIGEST: no layer is titled schemahero-x-linux-amd64.tar.gz, and 2 others could be meant: it is a driver's manifest"},
		{"a title that leaves the folder", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, r.layer("application/gzip", "../..", "a"))
			r.index("0.1.0", nil, on("linux/amd64", m))
		}, `0.1.0: layer title ".." is not a bare file name`},
		{"a title with control characters", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, r.layer("application/gzip", "\x1b[2Jx", "a"))
			r.index("0.1.0", nil, on("linux/amd64", m))
		}, `0.1.0: layer title "\x1b[2Jx" is not a bare file name`},
		{"a manifest's digest of another kind", func(r *repository) {
			r.index("0.1.0", nil, on("linux/amd64", ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: zeros}))
		}, fmt.Sprintf("0.1.0: linux/amd64: manifest digest %q is not a SHA-256 digest", zeros)},
		{"a manifest's digest that is a path", func(r *repository) {
			r.index("0.1.0", nil, on("linux/amd64", ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: "../x"}))
		}, `0.1.0: manifest 1: digest "../x" is neither a SHA-256 nor a SHA-512`},
		{"a layer's digest of another kind", func(r *repository) {
			m := r.manifest("", artifact.TypeSingle, nil, ocispec.Descriptor{MediaType: "application/gzip", Digest: zeros, Size: 1})
			r.index("0.1.0", nil, on("linux/amd64", m))
		}, fmt.Sprintf("0.1.0: schemahero-x-linux-amd64.tar.gz: layer digest %q is not a SHA-256 digest", zeros)},
		{"a layer of no size", func(r *repository) {
			l := r.archive("linux/amd64")
			l.Size = -1
			r.index("0.1.0", nil, on("linux/amd64", r.manifest("", artifact.TypeSingle, nil, l)))
		}, "DIGEST: layer 1: size -1 is not between 0 and 68719476736"},
		{"an executable that is not a digest", func(r *repository) {
			l := r.archive("linux/amd64")
			l.Annotations[artifact.AnnotationExecutable] = "sha256:zz"
			r.index("0.1.0", nil, on("linux/amd64", r.manifest("", artifact.TypeSingle, nil, l)))
		}, "0.1.0: schemahero-x-linux-amd64.tar.gz: annotation io.schemahero.plugin.executable is not a SHA-256 digest"},
		{"an entry that is an index in truth", func(r *repository) {
			amd64, _ := r.both()
			inner := r.index("", nil, on("linux/amd64", amd64))
			inner.MediaType = ocispec.MediaTypeImageManifest
			r.index("0.1.0", nil, on("linux/amd64", inner))
		}, "DIGEST: is an index where a manifest for one platform should be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRepository(t)
			c.make(r)
			rel, err := r.read()
			var bad *artifact.FormatError
			if !errors.As(err, &bad) || rel != nil {
				t.Fatalf("%v, %v", rel, err)
			}
			got := err.Error()
			if at := strings.Index(got, ": "); strings.HasPrefix(got, "sha256:") {
				got = "DIGEST" + got[at:]
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestIndexMissingManifest(t *testing.T) {
	r := newRepository(t)
	amd64, arm64 := r.both()
	r.index("0.1.0", nil, on("linux/amd64", amd64), on("linux/arm64", arm64))
	r.manifest("0.1.0-linux-amd64", artifact.TypeSingle, nil, r.archive("linux/amd64")) // no substitute
	delete(r.blobs, arm64.Digest)
	if rel, err := r.read(); !errors.Is(err, artifact.ErrNotFound) {
		t.Errorf("%v, %v", rel, err)
	}
}

func TestReadFor(t *testing.T) {
	linux := artifact.Platform{OS: "linux", Arch: "arm64"}
	for _, c := range []struct {
		name      string
		platforms []artifact.Platform
		builds    string
		gets      int
	}{
		{"all", nil, "[linux/amd64 linux/arm64]", 3},
		{"none", []artifact.Platform{}, "[]", 1},
		{"one", []artifact.Platform{linux}, "[linux/arm64]", 2},
		{"one that is not there", []artifact.Platform{{OS: "plan9", Arch: "386"}}, "[]", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRepository(t)
			amd64, arm64 := r.both()
			r.index("0.1.0", nil, on("linux/amd64", amd64), on("linux/arm64", arm64))
			rel, err := artifact.ReadFor(t.Context(), r, "x", r.candidate(), c.platforms)
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(rel.Platforms()) != c.builds || fmt.Sprint(rel.Offered) != "[linux/amd64 linux/arm64]" {
				t.Errorf("builds for %v, offered %v", rel.Platforms(), rel.Offered)
			}
			if len(r.gets) != c.gets {
				t.Errorf("manifests read: %q", r.gets)
			}
			if _, ok := rel.Build(linux); ok != strings.Contains(c.builds, "arm64") {
				t.Errorf("Build(linux/arm64): %v", ok)
			}
		})
	}
}

func TestReadOthers(t *testing.T) {
	r := newRepository(t)
	gzip, zstd := r.twice()
	r.index("0.1.0", nil, on("linux/amd64", gzip), on("linux/amd64", zstd))
	rel, err := r.read()
	if err != nil {
		t.Fatal(err)
	}
	others, err := artifact.ReadOthers(t.Context(), r, rel)
	if err != nil || len(others) != 1 {
		t.Fatalf("%v, %v", others, err)
	}
	if o := others[0]; o.Manifest != gzip.Digest || o.Other != zstd.Digest || o.Zstd || o.File != "schemahero-x-linux-amd64.tar.gz" {
		t.Errorf("got %+v", o)
	}
	delete(r.blobs, gzip.Digest) // as in a bundle
	if others, err = artifact.ReadOthers(t.Context(), r, rel); err != nil || len(others) != 0 {
		t.Errorf("without its manifest: %v, %v", others, err)
	}
}
