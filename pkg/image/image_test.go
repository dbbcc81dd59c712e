package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

var (
	amd64 = artifact.Platform{OS: "linux", Arch: "amd64"}
	arm64 = artifact.Platform{OS: "linux", Arch: "arm64"}
	armv7 = artifact.Platform{OS: "linux", Arch: "arm", Variant: "v7"}
)

// known is what the tests know of layers.
type known struct {
	facts  map[digest.Digest]unpack.Facts
	packed map[digest.Digest]image.Packed
}

func (k known) Layer(d digest.Digest) (unpack.Facts, bool) { f, ok := k.facts[d]; return f, ok }

func (k known) Packed(d digest.Digest, _ string, _ artifact.Platform) (image.Packed, bool) {
	p, ok := k.packed[d]
	return p, ok
}

func sum(text string) digest.Digest { return digest.FromString(text) }

// locked is a lock of drivers for platforms, and all that is known of their layers.
func locked(names string, platforms ...artifact.Platform) (*lockfile.Lock, known) {
	l, k := &lockfile.Lock{}, known{map[digest.Digest]unpack.Facts{}, map[digest.Digest]image.Packed{}}
	for name := range strings.FieldsSeq(names) {
		p := lockfile.Plugin{Name: name, Version: "1.2.3", Repository: "registry.test/db/" + name, Digest: sum(name)}
		for _, q := range platforms {
			layer := sum(name + q.String())
			p.Platforms = append(p.Platforms, lockfile.Platform{Platform: q, Layer: layer, Size: 1000, Manifest: sum("m"), File: q.Archive(name)})
			k.facts[layer] = fit("schemahero-" + name + "-" + q.Suffix())
			k.packed[layer] = image.Packed{Digest: sum("packed" + layer.String()), Size: 900, DiffID: sum("diff")}
		}
		l.Plugins = append(l.Plugins, p)
	}
	l.Sort()
	return l, k
}

// fit is a layer that may stand in any image.
func fit(entry string) unpack.Facts {
	return unpack.Facts{MediaType: ocispec.MediaTypeImageLayerGzip, DiffID: sum("tar of " + entry), Entry: entry, Plain: true, Root: true}
}

func build(t *testing.T, l *lockfile.Lock, k image.Known, o image.Options) *image.Image {
	t.Helper()
	img, err := image.Build(l, k, o)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// The digest is pinned in clusters: a change of it rolls every pod.
func TestGolden(t *testing.T) {
	l, k := locked("postgres mysql", amd64, arm64, artifact.Platform{OS: "darwin", Arch: "arm64"})
	l.Plugins[1].Aliases = []string{"cockroachdb"}
	img := build(t, l, k, image.Options{})
	const index = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` +
		`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"DIGEST0","size":712,"platform":{"architecture":"amd64","os":"linux"}},` +
		`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"DIGEST1","size":712,"platform":{"architecture":"arm64","os":"linux"}}]}`
	want := strings.NewReplacer("DIGEST0", img.Parts[0].Manifest.Digest.String(), "DIGEST1", img.Parts[1].Manifest.Digest.String()).Replace(index)
	if got := string(img.Data); got != want {
		t.Errorf("index:\n%s\nwant\n%s", got, want)
	}
	if got := img.Index.Digest; got != "sha256:dd541394626f5bd3b05d408c9b052bd2b2371c38f906bab6cdf2be45965341e6" {
		t.Errorf("digest %s", got)
	}
	if got, err := image.Digest(l, k, image.Options{}); err != nil || got != img.Index.Digest {
		t.Errorf("Digest is %s, %v", got, err)
	}
	const config = `{"architecture":"amd64","config":{},"os":"linux","rootfs":{"type":"layers","diff_ids":["M","P","L"]}}`
	want = strings.NewReplacer("M", string(sum("tar of schemahero-mysql-linux-amd64")), "P", string(sum("tar of schemahero-postgres-linux-amd64")),
		"L", linksDiffID(t, img.Parts[0].LinkData)).Replace(config)
	if got := string(img.Parts[0].Settings); got != want {
		t.Errorf("config:\n%s\nwant\n%s", got, want)
	}
	for _, text := range []string{string(img.Data), string(img.Parts[0].Data), string(img.Parts[0].Settings)} {
		for _, no := range []string{"created", "artifactType", "annotations", "history"} {
			if strings.Contains(text, no) {
				t.Errorf("holds %s: %s", no, text)
			}
		}
	}
}

// linksDiffID is the digest of what gzip finds in a layer.
func linksDiffID(t *testing.T, layer []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(digest.FromBytes(content))
}

// links reads a layer of links, each as "PATH -> TARGET".
func links(t *testing.T, layer []byte) (all []string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeSymlink || h.Mode != 0o777 || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.ModTime.Unix() != 0 {
			t.Errorf("entry %+v", h)
		}
		all = append(all, h.Name+" -> "+h.Linkname)
	}
}

func TestLinks(t *testing.T) {
	l, k := locked("postgres sqlite", amd64)
	l.Plugins[0].Aliases = []string{"cockroachdb"}
	k.facts[sum("sqlitelinux/amd64")] = fit("schemahero-sqlite")
	part := build(t, l, k, image.Options{}).Parts[0]
	got := strings.Join(links(t, part.LinkData), "\n")
	want := "schemahero-cockroachdb -> schemahero-postgres\nschemahero-postgres -> schemahero-postgres-linux-amd64"
	if got != want {
		t.Errorf("links:\n%s", got)
	}

	// Of 500 drivers the links take more than one stored block; names are as long as
	// they may be.
	var names []string
	for i := range 500 {
		names = append(names, strings.Repeat("x", 60)+string(rune('a'+i/100))+string(rune('a'+i/10%10))+string(rune('a'+i%10)))
	}
	l, k = locked(strings.Join(names, " "), artifact.Platform{OS: "linux", Arch: "ppc64le"})
	base := &image.Base{Images: []image.BaseImage{{
		Platform: artifact.Platform{OS: "linux", Arch: "ppc64le"},
		Config:   map[string]json.RawMessage{"rootfs": json.RawMessage(`{"type":"layers","diff_ids":[]}`)},
	}}}
	part = build(t, l, k, image.Options{Base: base}).Parts[0]
	all := links(t, part.LinkData)
	if last := all[len(all)-1]; len(all) != 500 ||
		last != "usr/local/lib/schemahero/plugins/schemahero-"+names[499]+" -> ../../../../../schemahero-"+names[499]+"-linux-ppc64le" {
		t.Errorf("%d links, the last %s", len(all), last)
	}
}

func TestWhatIsPackedAgain(t *testing.T) {
	change := func(f func(*unpack.Facts)) unpack.Facts {
		facts := fit("schemahero-postgres-linux-amd64")
		f(&facts)
		return facts
	}
	for _, tt := range []struct {
		name        string
		facts       unpack.Facts
		alone, base bool
	}{
		{"fits", change(func(*unpack.Facts) {}), false, false},
		{"zstd", change(func(f *unpack.Facts) { f.MediaType = ocispec.MediaTypeImageLayerZstd }), false, false},
		{"somebody's", change(func(f *unpack.Facts) { f.Root = false }), false, true},
		{"without platform", change(func(f *unpack.Facts) { f.Entry = "schemahero-postgres" }), false, true},
		{"bare", unpack.Facts{}, true, true},
		{"not plain", change(func(f *unpack.Facts) { f.Plain = false }), true, true},
		{"several entries", change(func(f *unpack.Facts) { f.Entry = "" }), true, true},
		{"other platform", change(func(f *unpack.Facts) { f.Entry = "schemahero-postgres-linux-arm64" }), true, true},
		{"./", change(func(f *unpack.Facts) { f.Entry = "./schemahero-postgres-linux-amd64" }), true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, k := locked("postgres", amd64)
			layer := l.Plugins[0].Platforms[0].Layer
			k.facts[layer] = tt.facts
			for _, o := range []image.Options{{}, {Base: debian()}} {
				want := tt.alone
				if o.Base != nil {
					want = tt.base
				}
				part := build(t, l, k, o).Parts[0]
				got := part.Layers[0]
				if got.Packed != want {
					t.Fatalf("base %v: packed is %v", o.Base != nil, got.Packed)
				}
				desc := ocispec.Descriptor{MediaType: tt.facts.MediaType, Digest: layer, Size: 1000}
				if want {
					desc = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: k.packed[layer].Digest, Size: 900}
				}
				if got.Desc.Digest != desc.Digest || got.Desc.Size != desc.Size || got.Desc.MediaType != desc.MediaType {
					t.Errorf("layer is %+v, want %+v", got.Desc, desc)
				}
			}
		})
	}
}

// debian is a base for amd64 and arm64.
func debian() *image.Base {
	b := &image.Base{Name: "registry.test/debian:12", Digest: sum("debian")}
	for _, p := range []artifact.Platform{amd64, arm64} {
		var config map[string]json.RawMessage
		text := `{"architecture":"` + p.Arch + `","os":"linux","created":"2026-01-01T00:00:00Z","config":{"User":"1001","Env":["A=<b>"]},` +
			`"rootfs":{"type":"layers","diff_ids":["` + string(sum("base")) + `"]},"x":1}`
		if err := json.Unmarshal([]byte(text), &config); err != nil {
			panic(err)
		}
		stated := ocispec.Platform{OS: "linux", Architecture: p.Arch}
		if p.Arch == "arm64" {
			stated.Variant = "v8"
		}
		b.Images = append(b.Images, image.BaseImage{
			Platform: p, Stated: stated, Manifest: sum("debian" + p.Arch), Config: config,
			Layers: []ocispec.Descriptor{{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: sum("baselayer" + p.Arch), Size: 5}},
		})
	}
	return b
}

func TestBase(t *testing.T) {
	l, k := locked("postgres", amd64, arm64, armv7)
	img := build(t, l, k, image.Options{Base: debian()})
	if len(img.Left) != 1 || img.Left[0] != armv7 || len(img.Parts) != 2 {
		t.Errorf("left out %v", img.Left)
	}
	var index ocispec.Index
	var manifest ocispec.Manifest
	for data, into := range map[string]any{string(img.Data): &index, string(img.Parts[1].Data): &manifest} {
		if err := json.Unmarshal([]byte(data), into); err != nil {
			t.Fatal(err)
		}
	}
	if v := index.Manifests[1].Platform.Variant; v != "v8" {
		t.Errorf("variant %q is not the base's", v)
	}
	for _, tt := range []struct {
		annotations map[string]string
		digest      digest.Digest
	}{{index.Annotations, sum("debian")}, {manifest.Annotations, sum("debianarm64")}} {
		if tt.annotations["org.opencontainers.image.base.name"] != "registry.test/debian:12" || tt.annotations["org.opencontainers.image.base.digest"] != string(tt.digest) {
			t.Errorf("annotations %v", tt.annotations)
		}
	}
	if len(manifest.Layers) != 3 || manifest.Layers[0].Digest != sum("baselayerarm64") {
		t.Errorf("layers %v", manifest.Layers)
	}
	want := `{"architecture":"arm64","config":{"User":"1001","Env":["A=<b>"]},"created":"2026-01-01T00:00:00Z","os":"linux",` +
		`"rootfs":{"type":"layers","diff_ids":["` + string(sum("base")) + `","` + string(sum("tar of schemahero-postgres-linux-arm64")) + `","` + linksDiffID(t, img.Parts[1].LinkData) + `"]},"x":1}`
	if got := string(img.Parts[1].Settings); got != want {
		t.Errorf("config:\n%s\nwant\n%s", got, want)
	}

	with := debian()
	with.Images[0].Config["history"] = json.RawMessage(`[{"created":"2026-01-01T00:00:00Z","created_by":"a"}]`)
	var config ocispec.Image
	if err := json.Unmarshal(build(t, l, k, image.Options{Base: with}).Parts[0].Settings, &config); err != nil {
		t.Fatal(err)
	}
	if len(config.History) != 3 || config.History[0].CreatedBy != "a" || config.History[2].EmptyLayer {
		t.Errorf("history %+v", config.History)
	}

	if _, err := image.Build(l, k, image.Options{Base: debian(), Platforms: []artifact.Platform{armv7, amd64}}); !errors.As(err, new(*image.BasePlatformError)) {
		t.Errorf("a platform that was asked for and the base lacks: %v", err)
	}
	l, k = locked("postgres", armv7)
	if _, err := image.Build(l, k, image.Options{Base: debian()}); !errors.As(err, new(*image.BasePlatformError)) {
		t.Errorf("a base for none of the platforms: %v", err)
	}
}

func TestPlatforms(t *testing.T) {
	l, k := locked("postgres mysql", arm64, amd64)
	l.Plugins[0].Platforms = l.Plugins[0].Platforms[:1] // mysql for amd64 alone
	img := build(t, l, k, image.Options{})
	if len(img.Parts) != 2 || len(img.Parts[0].Lacks) != 0 || strings.Join(img.Parts[1].Lacks, " ") != "mysql" || len(img.Parts[1].Layers) != 1 {
		t.Errorf("parts %+v", img.Parts)
	}
	one := build(t, l, k, image.Options{Platforms: []artifact.Platform{amd64, amd64}})
	if len(one.Parts) != 1 || one.Parts[0].Manifest.Digest != img.Parts[0].Manifest.Digest {
		t.Errorf("with one platform: %+v", one.Parts)
	}
	for _, p := range []artifact.Platform{armv7, arm64} { // that no driver has, and that not each has
		if _, err := image.Build(l, k, image.Options{Platforms: []artifact.Platform{amd64, p}}); !errors.As(err, new(*image.NoPlatformError)) {
			t.Errorf("%s, which was asked for: %v", p, err)
		}
	}
	l, k = locked("postgres", artifact.Platform{OS: "darwin", Arch: "arm64"})
	for _, l := range []*lockfile.Lock{l, {}} {
		if _, err := image.Build(l, k, image.Options{}); !errors.As(err, new(*image.NoPlatformError)) {
			t.Errorf("no linux: %v", err)
		}
	}
}

func TestUnknown(t *testing.T) {
	l, k := locked("postgres mysql sqlite", amd64, arm64)
	delete(k.facts, sum("mysqllinux/arm64"))
	k.facts[sum("postgreslinux/amd64")] = unpack.Facts{}
	delete(k.packed, sum("postgreslinux/amd64"))
	_, err := image.Digest(l, k, image.Options{})
	unknown, ok := errors.AsType[*image.UnknownError](err)
	if !ok || len(unknown.Layers) != 2 {
		t.Fatalf("error %v", err)
	}
	want := "digest of the image: not known before these layers have been read: postgres for linux/amd64, mysql for linux/arm64"
	if err.Error() != want || unknown.Layers[0].Facts || !unknown.Layers[1].Facts {
		t.Errorf("%s: %+v", err, unknown.Layers)
	}
}

func TestClaimedTwice(t *testing.T) {
	l, k := locked("postgres postgres-linux-amd64", amd64)
	_, err := image.Build(l, k, image.Options{})
	claimed, ok := errors.AsType[*image.PathError](err)
	if !ok || claimed.Path != "schemahero-postgres-linux-amd64" {
		t.Errorf("error %v", err)
	}
	// On a base the files and the names lie apart.
	if _, err := image.Build(l, k, image.Options{Base: debian()}); err != nil {
		t.Errorf("on a base: %v", err)
	}
}
