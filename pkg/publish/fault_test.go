package publish_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

// whole fails where a tag names what is not there, and if a version can be
// read whose platforms are not all there.
func whole(t *testing.T, m *memory, version string) {
	t.Helper()
	m.failAt = 0
	for tag, d := range m.tagged {
		doc, ok := m.manifests[d]
		if !ok {
			t.Errorf("tag %s names manifest %s, which is not there", tag, d)
			continue
		}
		if missing := m.missing(doc.mediaType, doc.data); missing != "" {
			t.Errorf("tag %s needs %s, which is not there", tag, missing)
		}
		if _, ok := m.tagged[version]; !ok && strings.HasPrefix(tag, version+"-") {
			t.Errorf("tag %s is there before %s: a reader would see one platform", tag, version)
		}
	}
	if _, ok := m.tagged[version]; !ok {
		return
	}
	rel, err := artifact.ReadReference(t.Context(), m, "postgres", version)
	if err != nil || len(rel.Builds) != 2 {
		t.Errorf("%s is there in parts: %v, %v", version, rel, err)
	}
}

// A push that is cut at any request leaves nothing half done that a reader
// sees, and another one ends it.
func TestPushCutAnywhere(t *testing.T) {
	r := release(t, "1.1.0", "new")
	old := release(t, "1.0.0", "old")
	calm := newMemory("r.example/postgres")
	push(t, calm, old)
	push(t, calm, r)
	for _, applied := range []bool{false, true} { // false: the request was lost, true: its answer
		cuts := 0
		for n := 1; ; n++ {
			t.Run(fmt.Sprintf("%d applied=%v", n, applied), func(t *testing.T) {
				m := newMemory("r.example/postgres")
				push(t, m, old)
				m.failAt, m.applied = len(m.requests)+n, applied
				_, err := publish.Push(t.Context(), m, r, publish.Options{Temp: t.TempDir()})
				switch {
				case err == nil:
					cuts = n - 1
					return
				case !errors.Is(err, errFault):
					t.Errorf("error %v, want the target's", err)
				}
				whole(t, m, "1.1.0")
				push(t, m, r)
				if !maps.Equal(m.tagged, calm.tagged) {
					t.Errorf("after another push: tags %v, want %v", m.tagged, calm.tagged)
				}
			})
			if t.Failed() || n > 100 {
				t.Fatal("gave up")
			}
			if cuts > 0 {
				break
			}
		}
		if cuts < 15 {
			t.Errorf("only %d requests were cut", cuts)
		}
	}
}

func TestPushInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	temp := t.TempDir()
	m := newMemory("r.example/postgres")
	_, err := publish.Push(ctx, m, release(t, "1.0.0", strings.Repeat("x", 900<<10)), publish.Options{Temp: temp, Events: func(e publish.Event) {
		if e.Stage == publish.StageUpload {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if len(m.tagged) != 0 {
		t.Errorf("tags %v", m.tagged)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
