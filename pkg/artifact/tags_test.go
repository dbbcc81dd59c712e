package artifact_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

const twoTags = `tags version=0.1.0 tag=0.1.0
linux/amd64 tag=0.1.0-linux-amd64 file=schemahero-x-linux-amd64.tar.gz
linux/arm64 tag=0.1.0-linux-arm64 file=schemahero-x-linux-arm64.tar.gz`

// platformTags pushes the release as today's publishers do, without the bare tag.
func (r *repository) platformTags(platforms ...string) {
	for _, text := range platforms {
		p, err := artifact.ParsePlatform(text)
		if err != nil {
			r.t.Fatal(err)
		}
		r.manifest("0.1.0-"+p.Suffix(), artifact.TypeSingle, map[string]string{artifact.AnnotationPlatform: text}, r.archive(text))
	}
}

func TestTags(t *testing.T) {
	for _, c := range []struct {
		name       string
		make       func(r *repository)
		want       string
		gets, head int
	}{
		{"bare tag and platforms", func(r *repository) {
			r.platformTags("linux/amd64", "linux/arm64")
			r.tags["0.1.0"] = r.tags["0.1.0-linux-amd64"]
		}, twoTags, 2, 1},
		{"bare tag alone", func(r *repository) {
			r.platformTags("linux/amd64")
			r.tags["0.1.0"] = r.tags["0.1.0-linux-amd64"]
			delete(r.tags, "0.1.0-linux-amd64")
		}, "tags version=0.1.0 tag=0.1.0\nlinux/amd64 tag=0.1.0 file=schemahero-x-linux-amd64.tar.gz", 1, 0},
		{"no bare tag", func(r *repository) {
			r.platformTags("linux/amd64", "linux/arm64")
		}, `tags version=0.1.0 tag= no digest
linux/amd64 tag=0.1.0-linux-amd64 file=schemahero-x-linux-amd64.tar.gz
linux/arm64 tag=0.1.0-linux-arm64 file=schemahero-x-linux-arm64.tar.gz`, 2, 0},
		{"the bare tag's platform has no tag of its own", func(r *repository) {
			r.platformTags("linux/amd64", "linux/arm64")
			r.tags["0.1.0"] = r.tags["0.1.0-linux-amd64"]
			delete(r.tags, "0.1.0-linux-amd64")
		}, `tags version=0.1.0 tag=0.1.0
linux/amd64 tag=0.1.0 file=schemahero-x-linux-amd64.tar.gz
linux/arm64 tag=0.1.0-linux-arm64 file=schemahero-x-linux-arm64.tar.gz`, 2, 0},
		{"a bare tag whose title alone tells the platform", func(r *repository) {
			r.platformTags("linux/arm64")
			r.manifest("0.1.0", "", nil, r.archive("darwin/arm64"))
		}, `tags version=0.1.0 tag=0.1.0
darwin/arm64 tag=0.1.0 file=schemahero-x-darwin-arm64.tar.gz
linux/arm64 tag=0.1.0-linux-arm64 file=schemahero-x-linux-arm64.tar.gz`, 2, 0},
		{"a bare tag that tells no platform is linux/amd64", func(r *repository) {
			r.manifest("0.1.0", artifact.TypeSingle, nil, r.layer("application/gzip", "schemahero-x.tar.gz", "a"))
		}, "tags version=0.1.0 tag=0.1.0\nlinux/amd64 tag=0.1.0 file=schemahero-x.tar.gz", 1, 0},
		{"but not where a platform's own tag tells better", func(r *repository) {
			r.manifest("0.1.0", artifact.TypeSingle, nil, r.layer("application/gzip", "schemahero-x.tar.gz", "a"))
			r.tags["0.1.0-linux-arm64"] = r.tags["0.1.0"]
		}, "tags version=0.1.0 tag=0.1.0\nlinux/arm64 tag=0.1.0-linux-arm64 file=schemahero-x.tar.gz", 2, 0},
		{"the platform's own tag was moved away from the bare one", func(r *repository) {
			r.manifest("0.1.0", artifact.TypeSingle, nil, r.layer("application/gzip", "schemahero-x-linux-amd64.tar.gz", "old"))
			r.manifest("0.1.0-linux-amd64", artifact.TypeSingle, nil, r.layer("application/gzip", "schemahero-x-linux-amd64.tgz", "new"))
		}, "tags version=0.1.0 tag=0.1.0\nlinux/amd64 tag=0.1.0-linux-amd64 file=schemahero-x-linux-amd64.tgz", 2, 1},
		{"the tag decides where a title agrees with it", func(r *repository) {
			r.manifest("0.1.0-linux-arm64", artifact.TypeSingle, map[string]string{artifact.AnnotationPlatform: "linux/amd64"}, r.archive("linux/arm64"))
		}, "tags version=0.1.0 tag= no digest\nlinux/arm64 tag=0.1.0-linux-arm64 file=schemahero-x-linux-arm64.tar.gz", 1, 0},
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
			if rel.Digest != r.tags["0.1.0"] || !slices.Equal(rel.Offered, rel.Platforms()) {
				t.Errorf("digest %q, offered %v", rel.Digest, rel.Offered)
			}
			if len(r.gets) != c.gets || len(r.head) != c.head {
				t.Errorf("read %q, resolved %q", r.gets, r.head)
			}
			for _, b := range rel.Builds {
				if b.Manifest != r.tags[b.Tag] {
					t.Errorf("%s: manifest %s is not what %s names", b.Platform, b.Manifest, b.Tag)
				}
			}
		})
	}
}

// A tag can go between the listing and the reading.
func TestTagsDeletedMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name    string
		deleted []string
		want    string
	}{
		{"one platform", []string{"0.1.0-linux-arm64"},
			"tags version=0.1.0 tag=0.1.0\nlinux/amd64 tag=0.1.0-linux-amd64 file=schemahero-x-linux-amd64.tar.gz"},
		{"the platform of the bare tag", []string{"0.1.0-linux-amd64"}, `tags version=0.1.0 tag=0.1.0
linux/amd64 tag=0.1.0 file=schemahero-x-linux-amd64.tar.gz
linux/arm64 tag=0.1.0-linux-arm64 file=schemahero-x-linux-arm64.tar.gz`},
		{"the bare tag", []string{"0.1.0"}, `tags version=0.1.0 tag= no digest
linux/amd64 tag=0.1.0-linux-amd64 file=schemahero-x-linux-amd64.tar.gz
linux/arm64 tag=0.1.0-linux-arm64 file=schemahero-x-linux-arm64.tar.gz`},
		{"all", []string{"0.1.0", "0.1.0-linux-amd64", "0.1.0-linux-arm64"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRepository(t)
			r.platformTags("linux/amd64", "linux/arm64")
			r.tags["0.1.0"] = r.tags["0.1.0-linux-amd64"]
			candidate := r.candidate()
			for _, tag := range c.deleted {
				delete(r.tags, tag)
			}
			rel, err := artifact.Read(t.Context(), r, "x", candidate)
			if c.want == "" {
				if !errors.Is(err, artifact.ErrNotFound) {
					t.Errorf("%v, %v", rel, err)
				}
				return
			}
			if err != nil || told(rel) != c.want {
				t.Errorf("%v\n%s\nwant\n%s", err, told(rel), c.want)
			}
		})
	}
	t.Run("a bare tag with nothing beside it", func(t *testing.T) {
		r := newRepository(t)
		r.platformTags("linux/amd64")
		r.tags["0.1.0"] = r.tags["0.1.0-linux-amd64"]
		delete(r.tags, "0.1.0-linux-amd64")
		candidate := r.candidate()
		delete(r.tags, "0.1.0")
		if rel, err := artifact.Read(t.Context(), r, "x", candidate); !errors.Is(err, artifact.ErrNotFound) {
			t.Errorf("%v, %v", rel, err)
		}
	})
}

func TestTagsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(r *repository)
		want string
	}{
		{"another platform's archive under a platform's tag", func(r *repository) {
			r.manifest("0.1.0-linux-arm64", artifact.TypeSingle, nil, r.archive("linux/amd64"))
		}, "0.1.0-linux-arm64: no layer is titled schemahero-x-linux-arm64.tar.gz, and 0 others could be meant: it is a driver's manifest"},
		{"an annotation that contradicts the tag", func(r *repository) {
			r.manifest("0.1.0-linux-arm64", artifact.TypeSingle, map[string]string{artifact.AnnotationPlatform: "linux/amd64"}, r.layer("application/gzip", "x.tar.gz", "a"))
		}, "0.1.0-linux-arm64: is offered for linux/arm64 and says that it is for linux/amd64"},
		{"an index under a platform's tag", func(r *repository) {
			amd64, _ := r.both()
			r.index("0.1.0-linux-amd64", nil, on("linux/amd64", amd64))
		}, "0.1.0-linux-amd64: is an index where a manifest for one platform should be"},
		{"a container image", func(r *repository) {
			r.manifest("0.1.0", "application/vnd.oci.image.config.v1+json", nil, r.layer("application/vnd.oci.image.layer.v1.tar+gzip", "", "a"))
		}, "0.1.0: is not a release of x: no layer is titled schemahero-x-OS-ARCH.tar.gz, and no platform is stated: it is a container image"},
		{"another driver's files", func(r *repository) {
			r.manifest("0.1.0", "", nil, r.layer("application/gzip", "schemahero-y-linux-amd64.tar.gz", "a"))
		}, "0.1.0: is not a release of x: no layer is titled schemahero-x-OS-ARCH.tar.gz, and no platform is stated: it is an artifact that states no type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRepository(t)
			c.make(r)
			rel, err := r.read()
			if err == nil || err.Error() != c.want {
				t.Errorf("%v\ngot  %v\nwant %s", rel, err, c.want)
			}
		})
	}
}

func TestTagsFor(t *testing.T) {
	for _, c := range []struct {
		platforms  []artifact.Platform
		builds     string
		gets, head int
	}{
		{[]artifact.Platform{{OS: "linux", Arch: "amd64"}}, "[linux/amd64]", 1, 1},
		{[]artifact.Platform{{OS: "darwin", Arch: "arm64"}}, "[darwin/arm64]", 2, 0},
		{[]artifact.Platform{}, "[]", 1, 0},
	} {
		r := newRepository(t)
		r.platformTags("linux/amd64", "linux/arm64", "darwin/arm64")
		r.tags["0.1.0"] = r.tags["0.1.0-linux-amd64"]
		rel, err := artifact.ReadFor(t.Context(), r, "x", r.candidate(), c.platforms)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(rel.Platforms()) != c.builds || len(rel.Offered) != 3 || len(r.gets) != c.gets || len(r.head) != c.head {
			t.Errorf("for %v: builds %v of %v; read %q, resolved %q", c.platforms, rel.Platforms(), rel.Offered, r.gets, r.head)
		}
	}
}
