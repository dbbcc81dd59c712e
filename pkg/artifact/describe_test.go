package artifact_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func created(at string) map[string]string { return map[string]string{ocispec.AnnotationCreated: at} }

func TestCreated(t *testing.T) {
	const first, second, third = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z", "2026-03-03T00:00:00Z"
	for _, c := range []struct {
		name               string
		root, amd64, arm64 map[string]string
		want               string
	}{
		{"the root's", created(first), created(second), created(third), first},
		{"the first platform's", nil, created(second), created(third), second},
		{"the first platform's, if the root says other things", map[string]string{"a": "b"}, created(second), nil, second},
		{"the first platform's, where the root's is none", created("yesterday"), created(second), nil, second},
		{"no later platform's", nil, nil, created(third), ""},
		{"none", nil, nil, nil, ""},
		{"in another time zone", created("2026-01-01T02:00:00+02:00"), nil, nil, first},
	} {
		t.Run(c.name, func(t *testing.T) {
			index := newRepository(t)
			index.index("0.1.0", c.root,
				on("linux/amd64", index.manifest("", artifact.TypeSingle, c.amd64, index.archive("linux/amd64"))),
				on("linux/arm64", index.manifest("", artifact.TypeSingle, c.arm64, index.archive("linux/arm64"))))
			check := func(layout artifact.Layout, rel *artifact.Release, err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				got := ""
				if !rel.Created.IsZero() {
					got = rel.Created.Format(time.RFC3339)
				}
				if got != c.want || rel.Layout != layout {
					t.Errorf("%s: created %q, want %q", layout, got, c.want)
				}
			}
			rel, err := index.read()
			check(artifact.LayoutIndex, rel, err)
			if c.root != nil {
				return
			}
			tags := newRepository(t)
			tags.manifest("0.1.0-linux-amd64", artifact.TypeSingle, c.amd64, tags.archive("linux/amd64"))
			tags.manifest("0.1.0-linux-arm64", artifact.TypeSingle, c.arm64, tags.archive("linux/arm64"))
			rel, err = tags.read()
			check(artifact.LayoutTags, rel, err)
		})
	}
}

func TestRequires(t *testing.T) {
	const host, other = artifact.AnnotationHost, artifact.AnnotationRequires + "other"
	for _, c := range []struct {
		name           string
		root, platform map[string]string
		want           map[string]string
	}{
		{"none", nil, nil, nil},
		{"the root's", map[string]string{host: ">=0.24", other: "^1"}, map[string]string{host: ">=9"}, map[string]string{"schemahero": ">=0.24", "other": "^1"}},
		{"the platform's if the root has none", map[string]string{"a": "b"}, map[string]string{other: "~1.2"}, map[string]string{"other": "~1.2"}},
		{"the host by its own annotation", map[string]string{host: ">=0.24", artifact.AnnotationRequires + "schemahero": ">=9"}, nil, map[string]string{"schemahero": ">=0.24"}},
		{"the host as a plugin", map[string]string{artifact.AnnotationRequires + "schemahero": ">=0.24"}, nil, map[string]string{"schemahero": ">=0.24"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 5 { // maps have no order
				r := newRepository(t)
				r.index("0.1.0", c.root, on("linux/amd64", r.manifest("", artifact.TypeSingle, c.platform, r.archive("linux/amd64"))))
				rel, err := r.read()
				if err != nil || !maps.Equal(rel.Requires, c.want) {
					t.Errorf("%v, %v", rel, err)
				}
			}
		})
	}
	for annotation, want := range map[string]string{
		artifact.AnnotationRequires + "../x=^1":     `0.1.0: requires "../x", which is not a driver's name`,
		artifact.AnnotationRequires + "=^1":         `0.1.0: requires "", which is not a driver's name`,
		artifact.AnnotationRequires + "other=newer": `0.1.0: requires other "newer", which is not a constraint`,
		host + "=":        `0.1.0: requires schemahero "", which is not a constraint`,
		host + "=>=1\x1b": `0.1.0: requires schemahero ">=1\x1b", which is not a constraint`,
	} {
		r := newRepository(t)
		key, value, _ := strings.Cut(annotation, "=")
		r.manifest("0.1.0", artifact.TypeMulti, map[string]string{key: value}, r.archive("linux/amd64"))
		if rel, err := r.read(); err == nil || err.Error() != want {
			t.Errorf("%v\ngot  %v\nwant %s", rel, err, want)
		}
	}
}

// What a release says of its version is held against the one it is published as:
// the root's word if it has one, else everybody's.
func TestCheckStated(t *testing.T) {
	version := func(v string) map[string]string {
		if v == "" {
			return map[string]string{"a": "b"}
		}
		return map[string]string{ocispec.AnnotationVersion: v}
	}
	for _, c := range []struct {
		root, amd64, arm64 string
		ok                 bool
	}{
		{"0.1.0", "0.2.0", "", true}, {"0.2.0", "0.1.0", "0.1.0", false},
		{"", "0.1.0", "0.1.0", true}, {"", "0.2.0", "0.1.0", false}, {"", "0.1.0", "0.2.0", false}, {"", "", "0.2.0", false}, {"", "", "", true},
	} {
		r := newRepository(t)
		amd64, arm64 := r.manifest("0.1.0-linux-amd64", artifact.TypeSingle, version(c.amd64), r.archive("linux/amd64")), r.manifest("0.1.0-linux-arm64", artifact.TypeSingle, version(c.arm64), r.archive("linux/arm64"))
		if c.root == "" { // the tags layout has no root
			if rel, err := r.read(); err != nil || (rel.CheckStated("0.1.0") == nil) != c.ok {
				t.Errorf("%+v in tags: %v, %v", c, err, rel.CheckStated("0.1.0"))
			}
		}
		r.index("0.1.0", version(c.root), on("linux/amd64", amd64), on("linux/arm64", arm64))
		if rel, err := r.read(); err != nil || (rel.CheckStated("0.1.0") == nil) != c.ok {
			t.Errorf("%+v in an index: %v, %v", c, err, rel.CheckStated("0.1.0"))
		}
	}
}

func TestCheckStatedWords(t *testing.T) {
	const says = "x 0.1.0: the release states that it is "
	for _, c := range []struct{ title, version, want string }{
		{"schemahero-x", "v0.1.0", ""}, {"schemahero-plugin-x", "", ""}, {"Another", "", ""}, {"schemahero-../y", "", ""},
		{"schemahero-y", "", says + "the driver y"}, {"", "nightly", says + "version nightly"}, {"", "0.1.0_b1", says + "version 0.1.0_b1"},
		{"schemahero-y", "0.2.0", says + "the driver y, version 0.2.0"},
	} {
		r := newRepository(t)
		r.manifest("0.1.0", artifact.TypeMulti, map[string]string{ocispec.AnnotationTitle: c.title, ocispec.AnnotationVersion: c.version}, r.archive("linux/amd64"))
		rel, err := r.read()
		if err != nil {
			t.Fatal(err)
		}
		if got := rel.CheckStated("0.1.0"); (got == nil) != (c.want == "") || got != nil && got.Error() != c.want {
			t.Errorf("%s %s: %v, want %s", c.title, c.version, got, c.want)
		}
		if err := rel.CheckStated("nightly"); c.version == "nightly" && err != nil {
			t.Errorf("nightly is not itself: %v", err)
		}
	}
}

func TestAnnotationsAndExecutable(t *testing.T) {
	r := newRepository(t)
	hex := strings.Repeat("ab", 32)
	plain, prefixed := r.archive("linux/amd64"), r.archive("linux/arm64")
	plain.Annotations[artifact.AnnotationExecutable] = hex
	prefixed.Annotations[artifact.AnnotationExecutable] = "sha256:" + hex
	r.manifest("0.1.0", artifact.TypeMulti, map[string]string{"a": "b", ocispec.AnnotationVersion: "9.9.9"}, plain, prefixed, r.archive("darwin/arm64"))
	rel, err := r.read()
	if err != nil {
		t.Fatal(err)
	}
	if rel.Annotations["a"] != "b" || rel.Version != "0.1.0" {
		t.Errorf("annotations %v; version %q, which the tag decides", rel.Annotations, rel.Version)
	}
	for _, b := range rel.Builds {
		want := "sha256:" + hex
		if b.Platform.OS == "darwin" {
			want = ""
		}
		if b.Executable.String() != want || b.Layer.Annotations != nil {
			t.Errorf("%s: executable %q, layer %v", b.Platform, b.Executable, b.Layer)
		}
	}
}

func TestReadReference(t *testing.T) {
	version := func(v string) map[string]string { return map[string]string{ocispec.AnnotationVersion: v} }
	for _, c := range []struct {
		name, reference string // "" for the digest of what nightly names
		make            func(r *repository)
		want            string
	}{
		{"an index", "nightly", func(r *repository) {
			amd64, arm64 := r.both()
			r.index("nightly", version("0.2.0-rc.1"), on("linux/amd64", amd64), on("linux/arm64", arm64))
		}, `index version=0.2.0-rc.1 tag=nightly
linux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz
linux/arm64 tag= file=schemahero-x-linux-arm64.tar.gz`},
		{"an index whose platforms state the version", "nightly", func(r *repository) {
			r.index("nightly", map[string]string{"a": "b"}, on("linux/amd64", r.manifest("", artifact.TypeSingle, version("v0.2.0"), r.archive("linux/amd64"))))
		}, "index version=0.2.0 tag=nightly\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz"},
		{"files, by digest", "", func(r *repository) {
			r.manifest("nightly", artifact.TypeMulti, version("1.0"), r.archive("linux/amd64"))
		}, "files version= tag=\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz"},
		{"one platform by its annotation", "nightly", func(r *repository) {
			r.manifest("nightly", artifact.TypeSingle, map[string]string{artifact.AnnotationPlatform: "darwin/arm64"}, r.layer("application/gzip", "schemahero-x.tar.gz", "a"))
		}, "tags version= tag=nightly\ndarwin/arm64 tag=nightly file=schemahero-x.tar.gz"},
		{"one platform by its title, by digest", "", func(r *repository) {
			r.manifest("nightly", artifact.TypeSingle, version("0.1.0"), r.archive("darwin/arm64"))
		}, "tags version=0.1.0 tag=\ndarwin/arm64 tag= file=schemahero-x-darwin-arm64.tar.gz"},
		{"one platform by the tag", "nightly-linux-arm64", func(r *repository) {
			r.manifest("nightly-linux-arm64", artifact.TypeSingle, nil, r.layer("application/gzip", "schemahero-x.tar.gz", "a"))
		}, "tags version= tag=nightly-linux-arm64\nlinux/arm64 tag=nightly-linux-arm64 file=schemahero-x.tar.gz"},
		{"a version's tag, which does not decide here", "0.1.0", func(r *repository) {
			r.manifest("0.1.0", artifact.TypeMulti, version("0.1.1"), r.archive("linux/amd64"))
		}, "files version=0.1.1 tag=0.1.0\nlinux/amd64 tag= file=schemahero-x-linux-amd64.tar.gz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRepository(t)
			c.make(r)
			reference := c.reference
			if reference == "" {
				reference = r.tags["nightly"].String()
			}
			rel, err := artifact.ReadReference(t.Context(), r, "x", reference)
			if err != nil || told(rel) != c.want {
				t.Fatalf("%v\ngot\n%s\nwant\n%s", err, told(rel), c.want)
			}
			if d, err := r.find(reference); err != nil || rel.Digest != d.Digest {
				t.Errorf("digest %s, want %s", rel.Digest, d.Digest)
			}
			none, err := artifact.ReadReferenceFor(t.Context(), r, "x", reference, []artifact.Platform{})
			if err != nil || len(none.Builds) != 0 || len(none.Offered) != len(rel.Offered) {
				t.Errorf("for no platform: %+v, %v", none, err)
			}
		})
	}
}

func TestReadReferenceRefused(t *testing.T) {
	r := newRepository(t)
	r.manifest("nightly", artifact.TypeSingle, nil, r.layer("application/gzip", "schemahero-x.tar.gz", "a"))
	r.manifest("odd-linux-arm64", artifact.TypeSingle, nil, r.archive("linux/amd64"))
	for reference, want := range map[string]string{
		"nightly":                  "nightly: is not a release of x: no layer is titled schemahero-x-OS-ARCH.tar.gz, and no platform is stated: it is a driver's manifest",
		r.tags["nightly"].String(): r.tags["nightly"].String() + ": is not a release of x: no layer is titled schemahero-x-OS-ARCH.tar.gz, and no platform is stated: it is a driver's manifest",
		"odd-linux-arm64":          "odd-linux-arm64: is offered for linux/arm64 and says that it is for linux/amd64",
		"absent":                   "absent: not found",
		"sha256:" + zeros:          "sha256:" + zeros + ": not found",
	} {
		if rel, err := artifact.ReadReference(t.Context(), r, "x", reference); err == nil || err.Error() != want {
			t.Errorf("%v\ngot  %v\nwant %s", rel, err, want)
		}
	}
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"
