package publish_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

// beside pushes r and, before its n-th request, other, for each n there is. Both
// go through one request at a time.
func beside(t *testing.T, r, other publish.Release, check func(t *testing.T, m *memory, a, b *publish.Report, errA, errB error)) {
	t.Helper()
	o := publish.Options{Temp: t.TempDir(), Parallel: 1}
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

// Wherever two versions meet, the tags stand as if one had come after the other.
func TestVersionsAtOnce(t *testing.T) {
	low, high := release(t, "1.0.0", "low"), release(t, "1.1.0", "high")
	calm := newMemory("r.example/postgres")
	push(t, calm, low)
	push(t, calm, high)
	for _, tt := range [][2]publish.Release{{low, high}, {high, low}} {
		t.Run(tt[0].Version, func(t *testing.T) {
			beside(t, tt[0], tt[1], func(t *testing.T, m *memory, a, b *publish.Report, errA, errB error) {
				if errA != nil || errB != nil {
					t.Fatal(errA, errB)
				}
				if !maps.Equal(m.tagged, calm.tagged) {
					t.Errorf("tags %v, want %v", m.tagged, calm.tagged)
				}
				for _, move := range a.Tags {
					taken := slices.ContainsFunc(b.Tags, func(t publish.TagMove) bool { return t.Tag == move.Tag && t.Previous == move.Digest })
					if m.tagged[move.Tag] != move.Digest && !taken {
						t.Errorf("%s reports %s, which names %s", a.Version, move.Tag, m.tagged[move.Tag])
					}
				}
			})
		})
	}
}

// One version with two contents goes to one of its publishers; the other is
// told.
func TestOneVersionAtOnce(t *testing.T) {
	beside(t, release(t, "1.0.0", "mine"), release(t, "1.0.0", "yours"), func(t *testing.T, m *memory, a, b *publish.Report, errA, errB error) {
		var published *publish.PublishedError
		if (errA == nil) == (errB == nil) || !errors.As(errors.Join(errA, errB), &published) {
			t.Fatalf("errors %v and %v, want one", errA, errB)
		}
		agree(t, m)
	})
}

// One release that is pushed twice at once is one.
func TestOneReleaseAtOnce(t *testing.T) {
	r, later := release(t, "1.0.0", "text"), release(t, "1.0.0", "text")
	later.Created = r.Created.Add(time.Hour)
	beside(t, r, later, func(t *testing.T, m *memory, a, b *publish.Report, errA, errB error) {
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		all(t, m, a)
	})
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

// all fails where a tag of a version names anything but the release.
func all(t *testing.T, m *memory, r *publish.Report) {
	t.Helper()
	want := map[string]digest.Digest{"1": r.Digest, "1.0": r.Digest, "1.0.0": r.Digest, "latest": r.Digest}
	for _, p := range r.Platforms {
		want[p.Tag] = p.Manifest
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
	m.at, m.meanwhile = len(m.requests)+4, func() { // it has looked at what is there
		if _, err := publish.Push(t.Context(), m, release(t, "1.0.0", "yours"), o); err != nil {
			t.Error(err)
		}
	}
	_, err := publish.Push(t.Context(), m, release(t, "1.0.0", "mine"), publish.Options{Temp: t.TempDir(), Force: true, Parallel: 1})
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
			if err != nil || !again.Kept || again.Digest != first.Digest || again.Sent == 0 {
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
	r, o := release(t, "1.0.0", "mine"), publish.Options{Temp: t.TempDir(), Parallel: 1}
	calm, other := newMemory("r.example/postgres"), newMemory("r.example/postgres")
	if _, err := publish.Push(t.Context(), calm, r, o); err != nil {
		t.Fatal(err)
	}
	rival := push(t, other, release(t, "1.0.0", "yours"))
	own := slices.IndexFunc(calm.requests, func(s string) bool { return strings.HasSuffix(s, "[1.0.0]") })
	if own < 0 {
		t.Fatalf("no tag is set: %v", calm.requests)
	}
	m := newMemory("r.example/postgres")
	m.at, m.meanwhile = own+2, func() {
		maps.Copy(m.manifests, other.manifests)
		maps.Copy(m.blobs, other.blobs)
		m.tagged["1.0.0"] = rival.Digest
	}
	_, err := publish.Push(t.Context(), m, r, o)
	if published := new(publish.PublishedError); !errors.As(err, &published) {
		t.Errorf("error %v", err)
	}
	if want := map[string]digest.Digest{"1.0.0": rival.Digest}; !maps.Equal(m.tagged, want) {
		t.Errorf("tags %v, want %v", m.tagged, want)
	}
}
