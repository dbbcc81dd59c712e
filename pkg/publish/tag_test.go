package publish_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

func TestFloatingTags(t *testing.T) {
	for _, tt := range []struct {
		there string // tags of the repository
		push  string
		moved string // floating tags that the push sets
	}{
		{"", "0.1.0", "0.1 0 latest"},
		{"0.1.0 0.1 0 latest", "0.2.0", "0.2 0 latest"},
		{"0.1.0 0.2.0 0.1 0.2 0 latest", "0.1.1", "0.1"},
		{"0.1.0 0.1.2", "0.1.1", ""},
		{"1.0.0 2.0.0", "1.5.0", "1.5 1"},
		{"9.0.0", "10.0.0", "10.0 10 latest"},
		{"0.9.0", "0.10.0", "0.10 0 latest"},
		{"1.0.0", "1.1.0-rc.1", ""},
		{"1.1.0-rc.1", "1.0.0", "1.0 1 latest"},
		{"1.1.0-rc.1", "1.1.0", "1.1 1 latest"},
		{"1.0.0-rc.1", "1.0.0-rc.2", ""},
		{"v2.0.0", "1.0.0", "1.0 1"},
		{"2.0.0-linux-amd64 2.0.0-linux-arm64", "1.0.0", "1.0 1"}, // the tags layout
		{"1.0.0_b2", "1.0.0+b1", ""},
		{"1.0.0_b1", "1.0.0+b2", "1.0 1 latest"},
		{"1.0.0", "1.0.0+b1", "1.0 1 latest"}, // the greatest build metadata is preferred
		{"1.0.0_b1", "1.0.0", ""},
		{"latest 5 5.1 sha256-0000 nightly 5.1.1.1", "1.0.0", "1.0 1 latest"}, // none of them is a version
	} {
		m := newMemory("r.example/postgres")
		blob := m.blob([]byte("x"))
		other := m.put(t, ocispec.MediaTypeImageManifest, ocispec.Manifest{Config: blob}, strings.Fields(tt.there)...)
		report, err := publish.Push(t.Context(), m, release(t, tt.push, "x"), publish.Options{Temp: t.TempDir()})
		if err != nil {
			t.Errorf("[%s] + %s: %v", tt.there, tt.push, err)
			continue
		}
		var moved []string
		for tag, d := range m.tagged {
			if d == report.Digest && tag != report.Tag {
				moved = append(moved, tag)
			}
		}
		want := strings.Fields(tt.moved)
		slices.Sort(moved)
		slices.Sort(want)
		if !slices.Equal(moved, want) {
			t.Errorf("[%s] + %s: moved %v, want %v", tt.there, tt.push, moved, want)
		}
		for _, tag := range strings.Fields(tt.there) {
			if d := m.tagged[tag]; d != other.Digest && !slices.Contains(want, tag) {
				t.Errorf("[%s] + %s: %s was moved", tt.there, tt.push, tag)
			}
		}
	}
}

func TestAddTags(t *testing.T) {
	m := newMemory("r.example/postgres")
	first, second := push(t, m, release(t, "1.0.0", "a")), push(t, m, release(t, "1.1.0", "b"))
	m.requests = nil
	moves, err := publish.AddTags(t.Context(), m, "1.0.0", []string{"stable", "latest", "1.0"}, false)
	want := []publish.TagMove{{Tag: "stable", Digest: first.Digest}, {Tag: "latest", Digest: first.Digest, Previous: second.Digest}}
	if err != nil || !slices.Equal(moves, want) { // 1.0 names it already
		t.Errorf("moves %+v, error %v, want %+v", moves, err, want)
	}
	if m.tagged["stable"] != first.Digest || m.tagged["latest"] != first.Digest || len(m.writes()) != 2 {
		t.Errorf("tags %v, writes %v", m.tagged, m.writes())
	}
	if _, err := publish.AddTags(t.Context(), m, second.Digest.String(), []string{"edge"}, false); err != nil || m.tagged["edge"] != second.Digest {
		t.Errorf("by digest: %v, tags %v", err, m.tagged)
	}

	m.requests = nil
	_, err = publish.AddTags(t.Context(), m, "1.0.0", []string{"beta", "1.1.0"}, false)
	var published *publish.PublishedError
	if !errors.As(err, &published) || published.Digest != second.Digest || len(m.writes()) != 0 {
		t.Errorf("a version was to be moved: %v, writes %v", err, m.writes())
	}
	if _, err = publish.AddTags(t.Context(), m, "1.0.0", []string{"1.1.0"}, true); err != nil || m.tagged["1.1.0"] != first.Digest {
		t.Errorf("by force: %v", err)
	}
	var bad *publish.TagError
	if _, err = publish.AddTags(t.Context(), m, "1.0.0", []string{"ok", "no/tag"}, false); !errors.As(err, &bad) || bad.Tag != "no/tag" || m.tagged["ok"] != "" {
		t.Errorf("no tag: %v", err)
	}
}
