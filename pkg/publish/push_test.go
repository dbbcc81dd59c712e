package publish_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

var update = flag.Bool("update", false, "write the golden files")

func TestPushGolden(t *testing.T) {
	m := newMemory("r.example/plugins/postgres")
	r := release(t, "v1.2.3+build.7", "golden")
	r.HostConstraint = ">=0.24, <2"
	r.Requires = map[string]string{"timescaledb": "^0.1"}
	r.Annotations = map[string]string{ocispec.AnnotationLicenses: "Apache-2.0", ocispec.AnnotationSource: "https://git.example/drivers?a&b"}
	report := push(t, m, r)

	var got bytes.Buffer
	indent := func(d digest.Digest) {
		if err := json.Indent(&got, m.manifests[d].data, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteString("\n")
	}
	indent(report.Digest)
	for _, p := range report.Platforms {
		indent(p.Manifest)
	}
	// The digests of archives change with the version of the compressor; what
	// is golden is all else.
	text := got.String()
	for i, p := range report.Platforms {
		n := string(rune('0' + i))
		var manifest ocispec.Manifest
		if err := json.Unmarshal(m.manifests[p.Manifest].data, &manifest); err != nil {
			t.Fatal(err)
		}
		for kind, d := range map[string]digest.Digest{"MANIFEST": p.Manifest, "LAYER": manifest.Layers[0].Digest, "SUM": manifest.Layers[1].Digest} {
			text = strings.ReplaceAll(text, d.String(), kind+n)
		}
	}
	golden := filepath.Join("testdata", "index.golden")
	if *update {
		write(t, golden, []byte(text), 0o644)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("manifests are\n%s\nwant\n%s", text, want)
	}
	if want := []string{"1", "1.2", "1.2.3_build.7", "1.2.3_build.7-linux-amd64", "1.2.3_build.7-linux-arm64", "latest"}; !slices.Equal(slices.Sorted(maps.Keys(m.tagged)), want) {
		t.Errorf("tags %v, want %v", m.tagged, want)
	}
}

// What is pushed is what a consumer reads.
func TestPushIsRead(t *testing.T) {
	m := newMemory("r.example/postgres")
	r := release(t, "0.1.0", "text")
	r.HostConstraint = ">=0.24"
	report := push(t, m, r)
	rel, err := artifact.Read(t.Context(), m, "postgres", artifact.Candidates(slices.Collect(maps.Keys(m.tagged)))[0])
	if err != nil {
		t.Fatal(err)
	}
	if rel.Layout != artifact.LayoutIndex || rel.Version != "0.1.0" || !rel.Created.Equal(r.Created) || rel.Requires[artifact.Host] != ">=0.24" || len(rel.Builds) != 2 {
		t.Fatalf("read %+v", rel)
	}
	for i, b := range rel.Builds {
		if err := artifact.CheckSum(t.Context(), m, b); err != nil {
			t.Error(err)
		}
		p := report.Platforms[i]
		if b.Platform != p.Platform || b.Manifest != p.Manifest || b.Layer.Digest != p.Layer.Digest || b.Executable != p.Executable || b.Sum == nil {
			t.Errorf("build %+v, report %+v", b, p)
		}
		if want := digest.FromBytes(elf(b.Platform.Arch, "text")); b.Executable != want {
			t.Errorf("executable %s, want %s", b.Executable, want)
		}
		if m.tagged[p.Tag] != p.Manifest {
			t.Errorf("tag %s names %s, want %s", p.Tag, m.tagged[p.Tag], p.Manifest)
		}
	}
	if report.BlobsSent != 5 || report.BlobsSkipped != 0 || report.BytesSent == 0 { // two archives, two checksums, a config
		t.Errorf("report %+v", report)
	}
}

func TestSecondPushSendsNothing(t *testing.T) {
	m := newMemory("r.example/postgres")
	r := release(t, "0.1.0", "text")
	first := push(t, m, r)
	m.requests = nil
	r.Created = r.Created.Add(time.Hour)
	again := push(t, m, r)
	if w := m.writes(); len(w) != 0 {
		t.Errorf("sent %v", w)
	}
	if !again.Kept || again.Digest != first.Digest || again.BytesSent != 0 || len(again.Tags) != 0 {
		t.Errorf("report %+v", again)
	}
	// What the first one did not come to is done now.
	for _, tag := range []string{"latest", "0.1.0-linux-arm64"} {
		delete(m.tagged, tag)
	}
	again = push(t, m, r)
	want := []publish.TagMove{{Tag: "0.1.0-linux-arm64", Digest: first.Platforms[1].Manifest}, {Tag: "latest", Digest: first.Digest}}
	if !again.Kept || !slices.Equal(again.Tags, want) {
		t.Errorf("tags %v, want %v", again.Tags, want)
	}
}

func TestPublishedVersion(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*publish.Release)
		want   string
	}{
		"other executable": {func(r *publish.Release) { r.Files = release(t, "", "other").Files }, "schemahero-postgres-linux-amd64.tar.gz is sha256:"},
		"annotation":       {func(r *publish.Release) { r.Annotations = map[string]string{"a": "b"} }, `annotation a is "" there, "b" here`},
		"constraint":       {func(r *publish.Release) { r.HostConstraint = "^1" }, `annotation io.schemahero.plugin.schemahero is "" there, "^1" here`},
		"fewer platforms":  {func(r *publish.Release) { delete(r.Files, arm64) }, "it also has linux/arm64"},
		"compression":      {func(r *publish.Release) { r.Compressions = []pack.Compression{pack.Zstd} }, "it lacks linux/amd64 (zstd)"},
	} {
		m := newMemory("r.example/postgres")
		first := push(t, m, release(t, "0.1.0", "text"))
		m.requests = nil
		r := release(t, "0.1.0", "text")
		tt.change(&r)
		_, err := publish.Push(t.Context(), m, r, publish.Options{Temp: t.TempDir()})
		var published *publish.PublishedError
		if !errors.As(err, &published) || published.Digest != first.Digest || published.Tag != "0.1.0" || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if w := m.writes(); len(w) != 0 {
			t.Errorf("%s: refused, but sent %v", name, w)
		}
		report, err := publish.Push(t.Context(), m, r, publish.Options{Temp: t.TempDir(), Force: true})
		if err != nil {
			t.Fatalf("%s: by force: %v", name, err)
		}
		if report.Kept || m.tagged["0.1.0"] != report.Digest || m.tagged["latest"] != report.Digest || report.Digest == first.Digest {
			t.Errorf("%s: by force: %+v", name, report)
		}
		if i := slices.IndexFunc(report.Tags, func(m publish.TagMove) bool { return m.Tag == "0.1.0" }); i < 0 || report.Tags[i].Previous != first.Digest {
			t.Errorf("%s: by force: tags %+v", name, report.Tags)
		}
	}
}

func TestPublishedInAnotherForm(t *testing.T) {
	for name, tags := range map[string][]string{
		"with v":       {"v0.1.0"},
		"tags layout":  {"0.1.0-linux-amd64"},
		"files layout": {"0.1.0"},
	} {
		m := newMemory("r.example/postgres")
		layer := m.blob([]byte("archive"))
		m.put(t, ocispec.MediaTypeImageManifest, ocispec.Manifest{Config: layer, Layers: []ocispec.Descriptor{layer}}, tags...)
		_, err := publish.Push(t.Context(), m, release(t, "0.1.0", ""), publish.Options{Temp: t.TempDir()})
		var published *publish.PublishedError
		if !errors.As(err, &published) || published.Tag != tags[0] {
			t.Errorf("%s: %v", name, err)
		}
		// A registry may go on listing the tag of what was deleted.
		clear(m.manifests)
		m.put(t, ocispec.MediaTypeImageManifest, ocispec.Manifest{Config: layer}, "other")
		if _, err := publish.Push(t.Context(), m, release(t, "0.1.0", ""), publish.Options{Temp: t.TempDir()}); err != nil {
			t.Errorf("%s, deleted: %v", name, err)
		}
	}
}
