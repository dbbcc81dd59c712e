package publish_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

// beside pushes r and, before its n-th request, other, for each n there is.
func beside(t *testing.T, r, other publish.Release, check func(t *testing.T, m *memory, a, b *publish.Report, errA, errB error)) {
	t.Helper()
	o := publish.Options{Temp: t.TempDir()}
	for n := 1; ; n++ {
		m := newMemory("r.example/postgres")
		var b *publish.Report
		var errB error
		ran := false
		m.at, m.meanwhile = n, func() {
			ran = true
			b, errB = publish.Push(t.Context(), m, other, o)
		}
		a, errA := publish.Push(t.Context(), m, r, o)
		if !ran {
			if n < 20 {
				t.Errorf("only %d requests were tried", n-1)
			}
			return
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			check(t, m, a, b, errA, errB)
			whole(t, m, "1.0.0")
		})
		if t.Failed() || n > 200 {
			t.Fatal("gave up")
		}
	}
}

// A release takes no floating tag from a higher one that came while it was sent.
func TestVersionsAtOnce(t *testing.T) {
	m := newMemory("r.example/postgres")
	m.when, m.meanwhile = "[1.0.0]", func() { push(t, m, release(t, "1.1.0", "high")) }
	report, err := publish.Push(t.Context(), m, release(t, "1.0.0", "low"), publish.Options{Temp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	high := m.tagged["1.1.0"]
	if m.tagged["1.0.0"] != report.Digest || m.tagged["1.0"] != report.Digest || m.tagged["1"] != high || m.tagged["latest"] != high {
		t.Errorf("tags %v", m.tagged)
	}
}

// One version with two contents goes to one of its publishers, and the other is
// told; but not where it came between the last look and the tag, as registries
// set a tag whatever it names by then.
func TestOneVersionAtOnce(t *testing.T) {
	untold := 0
	beside(t, release(t, "1.0.0", "mine"), release(t, "1.0.0", "yours"), func(t *testing.T, m *memory, a, b *publish.Report, errA, errB error) {
		agree(t, m)
		if errA == nil && errB == nil {
			untold++
			return
		}
		if published := new(publish.PublishedError); errA != nil && errB != nil || !errors.As(errors.Join(errA, errB), &published) {
			t.Errorf("errors %v and %v, want one", errA, errB)
		}
	})
	if untold != 1 {
		t.Errorf("in %d places nobody was told", untold)
	}
}

// agree fails where the tags of a version name parts of several releases.
func agree(t *testing.T, m *memory) {
	t.Helper()
	own := m.tagged["1.0.0"]
	var index ocispec.Index
	if err := json.Unmarshal(m.manifests[own].data, &index); err != nil {
		t.Fatal(err)
	}
	want := map[string]digest.Digest{"1": own, "1.0": own, "1.0.0": own, "latest": own}
	for _, d := range index.Manifests {
		want["1.0.0-"+d.Platform.OS+"-"+d.Platform.Architecture] = d.Digest
	}
	if !maps.Equal(m.tagged, want) {
		t.Errorf("tags %v, want %v", m.tagged, want)
	}
}

// Force is for what was there when the push began.
func TestForceIsOvertaken(t *testing.T) {
	m := newMemory("r.example/postgres")
	push(t, m, release(t, "1.0.0", "old"))
	o := publish.Options{Temp: t.TempDir(), Force: true}
	m.when, m.meanwhile = "PUT blob", func() { // it has looked at what is there
		if _, err := publish.Push(t.Context(), m, release(t, "1.0.0", "yours"), o); err != nil {
			t.Error(err)
		}
	}
	_, err := publish.Push(t.Context(), m, release(t, "1.0.0", "mine"), publish.Options{Temp: t.TempDir(), Force: true})
	var published *publish.PublishedError
	if !errors.As(err, &published) || published.Digest != m.tagged["1.0.0"] {
		t.Errorf("error %v", err)
	}
}

// A release that lost a part is made whole by another push of it.
func TestPushMends(t *testing.T) {
	for _, force := range []bool{false, true} {
		r := release(t, "1.0.0", "text")
		m := newMemory("r.example/postgres")
		first := push(t, m, r)
		r.Created = r.Created.Add(time.Hour)
		lost := []func(){
			func() { delete(m.blobs, first.Platforms[0].Layer.Digest) },
			func() { delete(m.manifests, first.Platforms[1].Manifest) },
		}
		tagged := maps.Clone(m.tagged)
		for i, lose := range lost {
			lose()
			again, err := publish.Push(t.Context(), m, r, publish.Options{Temp: t.TempDir(), Force: force})
			if err != nil || !again.Kept || again.Digest != first.Digest || again.BytesSent == 0 {
				t.Errorf("lost %d, force %v: %+v, %v", i, force, again, err)
			}
			whole(t, m, "1.0.0")
			if !maps.Equal(m.tagged, tagged) {
				t.Errorf("lost %d: tags %v, want %v", i, m.tagged, tagged)
			}
		}
	}
}

// What an earlier publication served and this one does not is told.
func TestPlatformLeftBehind(t *testing.T) {
	m := newMemory("r.example/postgres")
	push(t, m, release(t, "1.0.0", "text"))
	r := release(t, "1.0.0", "text")
	delete(r.Files, arm64)
	report, err := publish.Push(t.Context(), m, r, publish.Options{Temp: t.TempDir(), Force: true})
	if want := []string{"1.0.0-linux-arm64"}; err != nil || !slices.Equal(report.Left, want) {
		t.Errorf("left %v, %v, want %v", report, err, want)
	}
}

// Who loses the version's tag right after setting it sets no other.
func TestLoserGoesNoFurther(t *testing.T) {
	r, o := release(t, "1.0.0", "mine"), publish.Options{Temp: t.TempDir()}
	other := newMemory("r.example/postgres")
	rival := push(t, other, release(t, "1.0.0", "yours"))
	m := newMemory("r.example/postgres")
	m.when, m.meanwhile = "GET tags", func() { // which comes again once the version's tag is set
		m.when, m.meanwhile = "GET tags", func() {
			maps.Copy(m.manifests, other.manifests)
			maps.Copy(m.blobs, other.blobs)
			m.tagged["1.0.0"] = rival.Digest
		}
	}
	_, err := publish.Push(t.Context(), m, r, o)
	if published := new(publish.PublishedError); !errors.As(err, &published) {
		t.Errorf("error %v", err)
	}
	if want := map[string]digest.Digest{"1.0.0": rival.Digest}; !maps.Equal(m.tagged, want) {
		t.Errorf("tags %v, want %v", m.tagged, want)
	}
}
