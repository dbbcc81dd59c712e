package publish_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
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
	if _, err = publish.AddTags(t.Context(), m, "1.0.0", []string{"ok", "no/tag"}, false); fault.Of(err) != fault.Usage || m.tagged["ok"] != "" {
		t.Errorf("no tag: %v", err)
	}
}

// How registries refuse to move a tag: none of them is a failure of a release
// that is out.
func TestFloatingTagsRefused(t *testing.T) {
	immutable := []registry.ErrorCode{{Code: "TAG_INVALID", Message: "the tag is immutable"}}
	for name, refusal := range map[string]error{
		"400":           &registry.StatusError{Status: 400, Codes: immutable},
		"403":           &registry.AuthError{Cause: registry.AuthInsufficient, Codes: immutable},
		"403 to nobody": &registry.AuthError{Cause: registry.AuthDenied, Codes: immutable},
		"405":           &registry.StatusError{Status: 405, Codes: immutable},
		"409":           &registry.StatusError{Status: 409, Codes: immutable},
		"412":           &registry.StatusError{Status: 412, Codes: immutable},
		"422":           &registry.StatusError{Status: 422, Codes: immutable},
	} {
		m := newMemory("r.example/postgres")
		old := push(t, m, release(t, "0.1.0", "old"))
		m.refuse = func(tag string) error {
			if _, there := m.tagged[tag]; there {
				return refusal
			}
			return nil
		}
		for range 2 { // the second time the version is kept
			report, err := publish.Push(t.Context(), m, release(t, "0.2.0", "new"), publish.Options{Temp: t.TempDir()})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var stayed []string
			for _, r := range report.Refused {
				stayed = append(stayed, r.Tag)
				if !errors.Is(r, refusal) {
					t.Errorf("%s: %s: %v", name, r.Tag, r)
				}
			}
			if !slices.Equal(stayed, []string{"0", "latest"}) || m.tagged["latest"] != old.Digest || m.tagged["0.2"] != report.Digest || m.tagged["0.2.0"] != report.Digest {
				t.Errorf("%s: %v stayed, tags %v", name, stayed, m.tagged)
			}
		}
		moves, err := publish.AddTags(t.Context(), m, "0.2.0", []string{"latest", "stable"}, false)
		if refused := (*publish.RefusedError)(nil); !errors.As(err, &refused) || refused.Tag != "latest" || len(moves) != 1 || moves[0].Tag != "stable" {
			t.Errorf("%s: set %v: %v", name, moves, err)
		}
		m.refuse = func(string) error { return refusal }
		if _, err := publish.Push(t.Context(), m, release(t, "0.3.0", "new"), publish.Options{Temp: t.TempDir()}); !errors.Is(err, refusal) {
			t.Errorf("%s: the version's own tag: %v", name, err)
		}
	}
	for name, failure := range map[string]error{
		"401": &registry.AuthError{Cause: registry.AuthMissing},
		"429": &registry.StatusError{Status: 429},
		"502": &registry.StatusError{Status: 502},
		"cut": &registry.UnreachableError{Cause: registry.NetworkReset, Err: io.ErrUnexpectedEOF},
	} {
		m := newMemory("r.example/postgres")
		m.refuse = func(tag string) error {
			if tag == "latest" {
				return failure
			}
			return nil
		}
		if _, err := publish.Push(t.Context(), m, release(t, "0.2.0", "new"), publish.Options{Temp: t.TempDir()}); !errors.Is(err, failure) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoFloatingTags(t *testing.T) {
	m := newMemory("r.example/postgres")
	report, err := publish.Push(t.Context(), m, release(t, "0.2.0", "new"), publish.Options{Temp: t.TempDir(), NoFloatingTags: true})
	if err != nil || len(report.Tags) != 3 || len(m.tagged) != 3 {
		t.Errorf("%+v, %v", report, err)
	}
}
