package artifact_test

import (
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(r *repository)
		want string
	}{
		{"as the host's release job pushes it", func(r *repository) {
			r.manifest("0.1.0", artifact.TypeMulti, nil,
				r.archive("linux/arm64"), r.layer("text/plain", "schemahero-x-linux-arm64.tar.gz.sha256", "sum"),
				r.archive("linux/amd64"), r.layer("text/plain", "schemahero-x-linux-amd64.tar.gz.sha256", "sum 2"),
				r.layer("application/json", "artifacts.json", "{}"), r.layer(ocispec.MediaTypeImageIndex, "index.json", `{"manifests":[]}`))
		}, "files version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz sum\nlinux/arm64 tag= file=schemahero-x-linux-arm64.tar.gz sum"},
		{"one platform", func(r *repository) {
			r.manifest("0.1.0", artifact.TypeMulti, nil, r.archive("linux/amd64"))
			r.manifest("0.1.0-linux-arm64", artifact.TypeSingle, nil, r.archive("linux/arm64")) // not looked at
		}, "files version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz"},
		{"no artifact type", func(r *repository) {
			r.manifest("0.1.0", "", nil, r.archive("linux/amd64"), r.archive("darwin/arm64"))
		}, "files version=0.1.0 tag=0.1.0\ndarwin/arm64 tag= file=schemahero-x-darwin-arm64.tar.gz\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz"},
		{"artifact type in the config, as image-spec 1.0 had it", func(r *repository) {
			r.raw("0.1.0", ocispec.MediaTypeImageManifest, r.encode(ocispec.Manifest{
				Config: ocispec.Descriptor{MediaType: artifact.TypeMulti, Digest: ocispec.DescriptorEmptyJSON.Digest, Size: 2},
				Layers: []ocispec.Descriptor{r.archive("linux/amd64")},
			}))
		}, "files version=0.1.0 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz"},
		{"pushed from the folder above", func(r *repository) {
			r.manifest("0.1.0", artifact.TypeMulti, nil,
				r.layer("application/gzip", "./dist/schemahero-x-linux-arm64.tar.gz", "a"), r.layer("text/plain", "old/schemahero-x-linux-arm64.tar.gz.sha256", "another sum"),
				r.layer("text/plain", "./dist/schemahero-x-linux-arm64.tar.gz.sha256", "sum"), r.layer("application/octet-stream", `C:\build\schemahero-x-windows-amd64.exe`, "b"),
				r.layer("application/json", "dist/manifest.json", "{}"))
		}, "files version=0.1.0 tag=0.1.0\nlinux/arm64 tag= file=schemahero-x-linux-arm64.tar.gz sum\nwindows/amd64 tag= file=schemahero-x-windows-amd64.exe"},
		{"its checksum in another folder", func(r *repository) {
			r.manifest("0.1.0", artifact.TypeMulti, nil,
				r.layer("application/gzip", "dist/schemahero-x-linux-arm64.tar.gz", "a"), r.layer("text/plain", "sums/schemahero-x-linux-arm64.tar.gz.sha256", "sum"))
		}, "files version=0.1.0 tag=0.1.0\nlinux/arm64 tag= file=schemahero-x-linux-arm64.tar.gz sum"},
		{"other titles", func(r *repository) {
			layer := func(title string) ocispec.Descriptor { return r.layer("application/gzip", title, title) }
			r.manifest("0.1.0", artifact.TypeMulti, nil,
				layer("schemahero-y-linux-amd64.tar.gz"), layer("schemahero-x-linux.tar.gz"), layer("x-linux-amd64.tar.gz"), layer("schemahero-x"),
				layer("dist/schemahero-x-linux-amd64.tar.gz"), layer("../schemahero-x-linux-amd64.tar.gz"), layer("schemahero-x-linux-ppc64le.tar.gz/"), layer(".."), layer("schemahero-x-beos-ppc.tar.gz"),
				layer("schemahero-x-linux-amd64.zip"), layer("schemahero-x-linux-amd64.tar.gz.asc"), layer(""),
				layer("schemahero-x-linux-s390x.tar.zst"), layer("schemahero-x-linux-386.tgz"), layer("schemahero-x-linux-arm-v7"),
				layer("schemahero-x-windows-amd64.exe"), layer("schemahero-x-windows-arm64.exe.gz"), layer("schemahero-x-windows-amd64.tar.gz"))
		}, `files version=0.1.0 tag=0.1.0
linux/386 tag= file=schemahero-x-linux-386.tgz
linux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz
linux/arm/v7 tag= file=schemahero-x-linux-arm-v7
linux/s390x tag= file=schemahero-x-linux-s390x.tar.zst
windows/amd64 tag= file=schemahero-x-windows-amd64.exe
windows/arm64 tag= file=schemahero-x-windows-arm64.exe.gz`},
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
			if len(r.gets) != 1 || len(r.head) != 0 {
				t.Errorf("one manifest is the whole release; read %q, resolved %q", r.gets, r.head)
			}
			for _, b := range rel.Builds {
				if b.Manifest != rel.Digest {
					t.Errorf("%s: manifest %s, want the root's", b.Platform, b.Manifest)
				}
			}
		})
	}
}

func TestFilesFor(t *testing.T) {
	r := newRepository(t)
	r.manifest("0.1.0", artifact.TypeMulti, nil, r.archive("linux/arm64"), r.archive("linux/amd64"))
	rel, err := artifact.ReadFor(t.Context(), r, "x", r.candidate(), []artifact.Platform{{OS: "linux", Arch: "arm64"}})
	if err != nil || len(rel.Builds) != 1 || len(rel.Offered) != 2 {
		t.Errorf("%+v, %v", rel, err)
	}
}

func TestFilesRefused(t *testing.T) {
	r := newRepository(t)
	r.manifest("0.1.0", artifact.TypeMulti, nil, r.layer("application/gzip", "notes.tar.gz", "a"))
	rel, err := r.read()
	if err == nil || err.Error() != "0.1.0: holds no executable of x for any platform: it is a driver's manifest" {
		t.Errorf("%v, %v", rel, err)
	}
}
