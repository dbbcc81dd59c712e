package resolve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRequests holds the number of requests of a lock against the budget: one
// list of tags for each repository tried, two manifests for each plugin whose
// newest candidate is taken; one for each platform in the tags layout.
func TestRequests(t *testing.T) {
	const n = 10
	for layout, c := range map[string]struct {
		publish   func(r *repo, tag string, rel release)
		manifests int
	}{
		"index": {func(r *repo, tag string, rel release) { r.index(tag, rel) }, 2},
		"files": {(*repo).files, 1},
		"tags":  {(*repo).platformTags, 1},
	} {
		t.Run(layout, func(t *testing.T) {
			r := newRegistries(t)
			m := "platforms = [\"linux/amd64\"]\nregistry = [\"first.test\", \"" + official + "\"]\n[plugins]\n"
			for i := range n {
				for _, v := range []string{"0.1.0", "0.1.1", "0.2.0", "1.0.0-rc.1"} {
					c.publish(r.repo(fmt.Sprintf("%s/p%d", official, i)), v, release{})
				}
				m += fmt.Sprintf("p%d = \"^0.1\"\n", i)
			}
			r.lock(m, Options{})
			if got := r.count("tags "); got != 2*n {
				t.Errorf("%d lists of tags, want %d", got, 2*n)
			}
			if got := r.count("manifest "); got != c.manifests*n {
				t.Errorf("%d manifests, want %d", got, c.manifests*n)
			}
			if got := r.count("referrers "); got != n {
				t.Errorf("%d referrers, want %d", got, n)
			}
			if got := len(r.log) - r.count("tags ") - r.count("manifest ") - r.count("referrers "); got != 0 {
				t.Errorf("%d other requests: %q", got, r.log)
			}
		})
	}
}

// TestOnlyWhatIsLookedAt reads no release that tags rule out, and no release
// older than the one taken.
func TestOnlyWhatIsLookedAt(t *testing.T) {
	r := newRegistries(t)
	for i := range 20 {
		r.publish("postgres", fmt.Sprintf("0.1.%d", i), fmt.Sprintf("0.2.%d", i))
	}
	r.repo(official+"/postgres").index("0.1.20", release{platforms: "linux/amd64"})
	r.lock("platforms = [\"linux/arm64\"]\n[plugins]\npostgres = \"^0.1\"\n", Options{})
	var read []string
	for _, l := range r.log {
		if ref, ok := strings.CutPrefix(l, "manifest "+official+"/postgres:"); ok && !strings.HasPrefix(ref, "sha256:") {
			read = append(read, ref)
		}
	}
	check(t, "read", read, []string{"0.1.20", "0.1.19"})
	if got := r.count("referrers "); got != 1 {
		t.Errorf("asked %d times who refers to what, not only of what is taken", got)
	}
}

// TestAtOnce answers no list of tags before all plugins' are asked for, then no
// manifest before all plugins' are, then no list of referrers: asked one after the other, none would come.
func TestAtOnce(t *testing.T) {
	const n = 20
	r := newRegistries(t)
	m := "[plugins]\n"
	for i := range n {
		r.repo(fmt.Sprintf("%s/p%d", official, i)).files("0.1.0", release{})
		m += fmt.Sprintf("p%d = \"*\"\n", i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	waiting := map[string]*sync.WaitGroup{"tags": {}, "manifest": {}, "referrers": {}}
	for _, w := range waiting {
		w.Add(n)
	}
	r.hold = func(request string) {
		kind, _, _ := strings.Cut(request, " ")
		waiting[kind].Done()
		all := make(chan struct{})
		go func() { waiting[kind].Wait(); close(all) }()
		select {
		case <-all:
		case <-ctx.Done():
			t.Errorf("%s waits for others that are not asked for", request)
		}
	}
	if _, err := Resolve(ctx, r, Options{Manifest: parse(t, m), Now: noon()}); err != nil {
		t.Fatal(err)
	}
}

// TestScanReadsAhead: where nothing fits, releases are read many at a time.
func TestScanReadsAhead(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/postgres")
	for i := range 32 {
		repo.index(fmt.Sprintf("0.1.%d", i), release{platforms: "linux/amd64"})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var waiting sync.WaitGroup
	waiting.Add(16) // after 1, 1, 2, 4 and 8
	r.hold = func(request string) {
		var patch int
		if n, _ := fmt.Sscanf(request, "manifest "+official+"/postgres:0.1.%d", &patch); n == 0 || patch >= 16 {
			return
		}
		waiting.Done()
		all := make(chan struct{})
		go func() { waiting.Wait(); close(all) }()
		select {
		case <-all:
		case <-ctx.Done():
			t.Errorf("%s waits for others that are not asked for", request)
		}
	}
	var e *PlatformError
	if _, err := Resolve(ctx, r, Options{Manifest: parse(t, "platforms = [\"darwin/arm64\"]\n[plugins]\npostgres = \"*\"\n"), Now: noon()}); !errors.As(err, &e) || e.Tried != 32 {
		t.Errorf("got %v", err)
	}
}
