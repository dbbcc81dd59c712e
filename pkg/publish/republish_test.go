package publish_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

// foreign holds a release of mysql 0.3.0 in one of the older layouts, made
// with another tool.
func foreign(t *testing.T, layout artifact.Layout, platforms ...artifact.Platform) (*memory, map[artifact.Platform]ocispec.Descriptor) {
	t.Helper()
	m := newMemory("r.example/old/mysql")
	notes := map[string]string{ocispec.AnnotationTitle: "schemahero-mysql", ocispec.AnnotationVersion: "0.3.0",
		ocispec.AnnotationCreated: "2025-01-02T03:04:05Z", artifact.AnnotationHost: ">=0.24", "org.opencontainers.image.vendor": "them"}
	archives := map[artifact.Platform]ocispec.Descriptor{}
	var all []ocispec.Descriptor
	for _, p := range platforms {
		dir := t.TempDir()
		exe := write(t, filepath.Join(dir, "x"), elf(p.Arch, "theirs"), 0o755)
		a, err := publish.Pack(t.Context(), "mysql", p, exe, dir, pack.Gzip)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(a.Path)
		if err != nil {
			t.Fatal(err)
		}
		data[9] = 3 // gzip's field for the system: bytes that Pack would not write
		archive := m.blob(data)
		archive.Annotations = map[string]string{ocispec.AnnotationTitle: a.Title}
		sum := m.blob([]byte(archive.Digest.Encoded() + " *./" + a.Title + "\n"))
		sum.MediaType, sum.Annotations = "text/plain", map[string]string{ocispec.AnnotationTitle: a.Title + ".sha256"}
		archives[p] = archive
		all = append(all, archive, sum)
		if layout == artifact.LayoutTags {
			single := ocispec.Manifest{ArtifactType: artifact.TypeSingle, Config: archive, Layers: []ocispec.Descriptor{archive, sum}, Annotations: map[string]string{artifact.AnnotationPlatform: p.String()}}
			for k, v := range notes {
				single.Annotations[k] = v
			}
			tags := []string{"0.3.0-" + p.Suffix()}
			if p == amd64 {
				tags = append(tags, "0.3.0")
			}
			m.put(t, ocispec.MediaTypeImageManifest, single, tags...)
		}
	}
	if layout == artifact.LayoutFiles {
		m.put(t, ocispec.MediaTypeImageManifest, ocispec.Manifest{ArtifactType: artifact.TypeMulti, Config: all[0], Layers: all, Annotations: notes}, "0.3.0", "0.3")
	}
	return m, archives
}

func TestRepublish(t *testing.T) {
	for _, tt := range []struct {
		layout    artifact.Layout
		reference string
	}{{artifact.LayoutFiles, "0.3.0"}, {artifact.LayoutFiles, "0.3"}, {artifact.LayoutTags, "0.3.0"}} {
		from, archives := foreign(t, tt.layout, amd64, arm64)
		to := newMemory("r.example/new/mysql")
		r := publish.Release{Name: "mysql", Created: time.Unix(0, 0)}
		report, err := publish.Republish(t.Context(), to, from, tt.reference, r, publish.Options{Temp: t.TempDir()})
		if err != nil {
			t.Fatalf("%v of %s: %v", tt.layout, tt.reference, err)
		}
		rel, err := artifact.ReadReference(t.Context(), to, "mysql", "0.3.0")
		if err != nil {
			t.Fatal(err)
		}
		if rel.Layout != artifact.LayoutIndex || rel.Digest != report.Digest || len(rel.Builds) != 2 || rel.Created.Year() != 2025 ||
			rel.Requires[artifact.Host] != ">=0.24" || rel.Annotations["org.opencontainers.image.vendor"] != "them" || rel.Annotations[artifact.AnnotationPlatform] != "" {
			t.Errorf("%v of %s gives %+v", tt.layout, tt.reference, rel)
		}
		for _, b := range rel.Builds {
			if b.Layer.Digest != archives[b.Platform].Digest || b.Executable == "" || b.Executable != report.Platforms[slices.Index(rel.Platforms(), b.Platform)].Executable {
				t.Errorf("%s: layer %+v", b.Platform, b)
			}
			if err := artifact.CheckSum(t.Context(), to, b); err != nil {
				t.Error(err)
			}
			if _, ok := from.blobs[b.Sum.Digest]; !ok {
				t.Errorf("%s: the checksum file is not the source's", b.Platform)
			}
		}
		to.requests = nil
		if again, err := publish.Republish(t.Context(), to, from, tt.reference, r, publish.Options{Temp: t.TempDir()}); err != nil || !again.Kept || len(to.writes()) != 0 {
			t.Errorf("again: %+v, %v, sent %v", again, err, to.writes())
		}
	}
}

func TestRepublishMounts(t *testing.T) {
	from, archives := foreign(t, artifact.LayoutFiles, amd64)
	for mounted, sibling := range map[int]*memory{2: from, 0: nil} { // archive and checksum; the source has no empty config
		to := newMemory("r.example/new/mysql")
		to.sibling = sibling
		report, err := publish.Republish(t.Context(), to, from, "0.3.0", publish.Release{Name: "mysql"}, publish.Options{Temp: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		asked := slices.Contains(to.requests, "MOUNT "+archives[amd64].Digest.String()+" from r.example/old/mysql")
		if !asked || report.BlobsMounted != mounted || report.BlobsSent != 3-mounted {
			t.Errorf("asked to mount: %v, report %+v", asked, report)
		}
	}
}

// A layer can be the executable itself, and one for each platform may have
// come from one folder under one name.
func TestRepublishBareExecutables(t *testing.T) {
	from := newMemory("r.example/old/mysql")
	var entries []ocispec.Descriptor
	for _, p := range []artifact.Platform{amd64, arm64} {
		body := from.blob(elf(p.Arch, "bare"))
		body.Annotations = map[string]string{ocispec.AnnotationTitle: "schemahero-mysql"}
		d := from.put(t, ocispec.MediaTypeImageManifest, ocispec.Manifest{ArtifactType: artifact.TypeSingle, Config: body, Layers: []ocispec.Descriptor{body}})
		d.Platform = &ocispec.Platform{OS: p.OS, Architecture: p.Arch}
		entries = append(entries, d)
	}
	from.put(t, ocispec.MediaTypeImageIndex, ocispec.Index{Manifests: entries}, "v0.3.0")
	to := newMemory("r.example/new/mysql")
	report, err := publish.Republish(t.Context(), to, from, "v0.3.0", publish.Release{Name: "mysql", Created: time.Unix(0, 0)}, publish.Options{Temp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Platforms) != 2 || report.Tag != "0.3.0" {
		t.Errorf("report %+v", report)
	}
	for _, p := range report.Platforms {
		if p.Executable != p.Layer.Digest || p.Layer.Annotations[ocispec.AnnotationTitle] != "schemahero-mysql" {
			t.Errorf("%s: %+v", p.Platform, p)
		}
	}
}

func TestRepublishRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(m *memory, archives map[artifact.Platform]ocispec.Descriptor)
		ref    string
		want   string
	}{
		"in place":  {func(*memory, map[artifact.Platform]ocispec.Descriptor) {}, "0.3.0", "r.example/old/mysql:0.3.0: is published already: it is not an index"},
		"not there": {func(*memory, map[artifact.Platform]ocispec.Descriptor) {}, "0.4.0", "0.4.0: not found"},
		"cut layer": {func(m *memory, a map[artifact.Platform]ocispec.Descriptor) {
			d := a[amd64].Digest
			m.blobs[d] = m.blobs[d][:len(m.blobs[d])/2]
		}, "0.3.0", "schemahero-mysql-linux-amd64.tar.gz: ends too early"},
		"checksum": {func(m *memory, a map[artifact.Platform]ocispec.Descriptor) {
			for d, data := range m.blobs {
				if strings.Contains(string(data), " *./") {
					m.blobs[d] = append([]byte(strings.Repeat("0", 64)), data[64:]...)
				}
			}
		}, "0.3.0", "schemahero-mysql-linux-amd64.tar.gz: checksum mismatch"},
	} {
		from, archives := foreign(t, artifact.LayoutFiles, amd64)
		tt.change(from, archives)
		from.requests = nil
		_, err := publish.Republish(t.Context(), from, from, tt.ref, publish.Release{Name: "mysql"}, publish.Options{Temp: t.TempDir()})
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || len(from.writes()) != 0 {
			t.Errorf("%s: %v, sent %v", name, err, from.writes())
		}
	}
	from, _ := foreign(t, artifact.LayoutFiles, amd64)
	report, err := publish.Republish(t.Context(), from, from, "0.3.0", publish.Release{Name: "mysql"}, publish.Options{Temp: t.TempDir(), Force: true})
	var lint *publish.LintError
	if err != nil || errors.As(err, &lint) || from.tagged["0.3.0"] != report.Digest {
		t.Errorf("in place, by force: %v", err)
	}
}
