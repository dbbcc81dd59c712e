package resolve

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
)

func TestCheck(t *testing.T) {
	for layout, publish := range map[string]func(r *repo, tag string, rel release){
		"index": func(r *repo, tag string, rel release) { r.index(tag, rel) },
		"tags":  (*repo).platformTags,
	} {
		for name, c := range map[string]struct {
			do   func(r *repo)
			kind MovedKind
			text string // a part of it
		}{
			"nothing": {do: func(*repo) {}},
			"moved":   {func(r *repo) { publish(r, "0.1.0", release{salt: "x"}) }, TagMoved, " now names sha256:"},
			"deleted": {func(r *repo) { clear(r.tags) }, TagDeleted, " was deleted; what is locked, sha256:"},
			"gone":    {func(r *repo) { clear(r.tags); clear(r.manifests) }, ContentGone, " was deleted, and what is locked, sha256:"},
			"gone and moved": {func(r *repo) {
				clear(r.manifests)
				publish(r, "0.1.0", release{salt: "x"})
			}, ContentGone, ", and what is locked, sha256:"},
		} {
			t.Run(layout+"/"+name, func(t *testing.T) {
				r := newRegistries(t)
				publish(r.repo(official+"/postgres"), "0.1.0", release{platforms: "linux/amd64"})
				l := r.lock("[plugins]\npostgres = \"*\"\n", Options{}).Lock
				c.do(r.repo(official + "/postgres"))
				r.log = nil
				moved, err := Check(context.Background(), r, l.Plugins)
				if err != nil {
					t.Fatal(err)
				}
				if c.kind == "" {
					if len(moved) != 0 || len(r.log) != 1 {
						t.Errorf("got %v, asked %q", moved, r.log)
					}
					return
				}
				if len(moved) != 1 || moved[0].Kind != c.kind || moved[0].Floating || !strings.Contains(moved[0].String(), c.text) {
					t.Errorf("got %v", moved)
				}
			})
		}
	}
}

func TestCheckDigestEntry(t *testing.T) {
	r := newRegistries(t)
	d := r.repo(official+"/edge").index("x", release{})
	l := r.lock("[plugins]\nedge = { digest = \""+string(d)+"\" }\n", Options{}).Lock
	if moved, err := Check(context.Background(), r, l.Plugins); err != nil || len(moved) != 0 {
		t.Errorf("got %v, %v", moved, err)
	}
	clear(r.repos[official+"/edge"].manifests)
	moved, err := Check(context.Background(), r, l.Plugins)
	if err != nil || len(moved) != 1 || moved[0].Kind != ContentGone || moved[0].Tag != "" {
		t.Errorf("got %v, %v", moved, err)
	}
	down := errors.New("connection refused")
	r.fail["resolve "+official+"/edge:"+string(d)] = down
	if _, err := Check(context.Background(), r, l.Plugins); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
}

// TestMovedIsNotFollowed: a moved tag is reported, its entry kept, the others
// upgraded; unless it is accepted.
func TestMovedIsNotFollowed(t *testing.T) {
	r, l := start(t)
	locked := l.Clone()
	now := r.repo(official+"/postgres").index("0.1.1", release{salt: "moved"})
	was := func(l *lockfile.Lock) digest.Digest { p, _ := l.Plugin("postgres"); return p.Digest }

	result := r.lock(two, Options{Locked: l, UpgradeAll: true, CheckMoved: true})
	if got := versions(result.Lock); got != "mysql 1.1.0, postgres 0.1.1" || was(result.Lock) != was(l) {
		t.Errorf("update: got %s", got)
	}
	if len(result.Moved) != 1 || result.Moved[0].Plugin != "postgres" || result.Moved[0].Now != now {
		t.Errorf("update: got %+v", result.Moved)
	}

	result = r.lock(two, Options{Locked: l, CheckMoved: true})
	if got := versions(result.Lock); got != versions(l) || was(result.Lock) != was(l) || len(result.Moved) != 1 {
		t.Errorf("lock: got %s, %v", got, result.Moved)
	}

	result = r.lock(two, Options{Locked: l, CheckMoved: true, Upgrade: []string{"postgres"}, AcceptMoved: []string{"postgres"}})
	if got := versions(result.Lock); got != "mysql 1.0.0, postgres 0.1.2" {
		t.Errorf("accepted: got %s", got)
	}
	result = r.lock(two, Options{Locked: l, CheckMoved: true, Precise: map[string]string{"postgres": "0.1.1"}})
	if was(result.Lock) != was(l) || len(result.Moved) != 1 {
		t.Errorf("precise: got %s, %v", versions(result.Lock), result.Moved)
	}
	_, err := r.resolve(Options{Manifest: parse(t, two), Locked: l, CheckMoved: true, Precise: map[string]string{"postgres": "0.1.2"}})
	if e := new(MovedError); !errors.As(err, &e) || e.Plugin != "postgres" {
		t.Errorf("another, precise: got %v", err)
	}
	// The newest that the constraint admits is the one that moved.
	tilde := strings.Replace(two, "^0.1", "<=0.1.1", 1)
	result = r.lock(tilde, Options{Locked: l, CheckMoved: true, AcceptMoved: []string{"postgres"}})
	if was(result.Lock) != now || len(result.Moved) != 1 {
		t.Errorf("accepted: got %s, %v", was(result.Lock), result.Moved)
	}

	// Even an upgrade that does not ask first sees it when it reads the release.
	result = r.lock(tilde, Options{Locked: l, UpgradeAll: true})
	if was(result.Lock) != was(l) || len(result.Moved) != 1 || result.Moved[0].Now != now {
		t.Errorf("unasked: got %s, %v", was(result.Lock), result.Moved)
	}
	if string(l.Encode()) != string(locked.Encode()) {
		t.Error("the lock that was given is changed")
	}
}

// TestMovedPlatformTag is the same for a platform's own tag.
func TestMovedPlatformTag(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/postgres")
	repo.platformTags("0.1.0", release{})
	m := "[plugins]\npostgres = \"*\"\n"
	l := r.lock(m, Options{}).Lock
	repo.platformTags("0.1.0", release{platforms: "linux/arm64", salt: "moved"})
	result := r.lock(m, Options{Locked: l, UpgradeAll: true})
	if string(result.Lock.Encode()) != string(l.Encode()) || len(result.Moved) != 1 || result.Moved[0].Tag != "0.1.0-linux-arm64" {
		t.Errorf("got %+v", result.Moved)
	}
}

// TestDeletedIsLeft: an upgrade leaves a version that was deleted for one that
// is there; lock keeps it.
func TestDeletedIsLeft(t *testing.T) {
	r, l := start(t)
	delete(r.repos[official+"/postgres"].tags, "0.1.1")
	if got := versions(r.lock(two, Options{Locked: l}).Lock); got != versions(l) {
		t.Errorf("got %s", got)
	}
	result := r.lock(two, Options{Locked: l, UpgradeAll: true, CheckMoved: true})
	if got := versions(result.Lock); got != "mysql 1.1.0, postgres 0.1.2" || len(result.Moved) != 1 || result.Moved[0].Kind != TagDeleted {
		t.Errorf("got %s, %v", got, result.Moved)
	}
}

// TestSignatureStaysWithContent: an upgrade that comes to the same content
// keeps who signed it.
func TestSignatureStaysWithContent(t *testing.T) {
	r, l := start(t)
	p, _ := l.Plugin("mysql")
	p.Signature = &lockfile.Signature{Key: "sha256:" + strings.Repeat("0", 64)}
	delete(r.repos[official+"/mysql"].tags, "1.1.0")
	result := r.lock(two, Options{Locked: l, UpgradeAll: true})
	if p, _ := result.Lock.Plugin("mysql"); p.Version != "1.0.0" || p.Signature == nil {
		t.Errorf("got %+v", p)
	}
	if p, _ := result.Lock.Plugin("postgres"); p.Version != "0.1.2" || p.Signature != nil {
		t.Errorf("got %+v", p)
	}
}

// TestNothingToTake: an upgrade keeps what is locked if the registry has
// nothing in its place, and says why.
func TestNothingToTake(t *testing.T) {
	const m = "platforms = [\"linux/amd64\"]\nminimum-age = \"72h\"\n[plugins]\nmysql = \"^1\"\nedge = { tag = \"nightly\" }\n"
	for name, c := range map[string]struct {
		do   func(r *registries, edge *repo)
		want string // after mysql
		note string
	}{
		"deleted": {func(_ *registries, edge *repo) { delete(edge.tags, "nightly") }, "edge 1.0.0",
			"edge: tag nightly is kept, as it is locked: no repository has tag nightly: registry.test/db/edge:nightly: not found"},
		"repository gone": {func(r *registries, _ *repo) { delete(r.repos, official+"/edge") }, "edge 1.0.0",
			"edge: tag nightly is kept, as it is locked: no repository has tag nightly: registry.test/db/edge:nightly: not found"},
		"too young": {func(_ *registries, edge *repo) {
			edge.index("nightly", release{version: "1.0.1", created: "2026-11-23T00:00:00Z"})
		}, "edge 1.0.0", "edge: tag nightly is kept, as it is locked: what has its tag now is younger than 72h, of 2026-11-23T00:00:00Z"},
		"too young, same version": {func(_ *registries, edge *repo) {
			edge.index("nightly", release{version: "1.0.0", created: "2026-11-23T00:00:00Z"})
		}, "edge 1.0.0", "edge: tag nightly is kept, as it is locked: what has its tag now is younger than 72h, of 2026-11-23T00:00:00Z"},
		"another platform": {func(_ *registries, edge *repo) {
			edge.index("nightly", release{version: "0.9.0", platforms: "darwin/arm64"})
		}, "edge 1.0.0", "edge: tag nightly is kept, as it is locked: what has its tag now offers no linux/amd64"},
		"another": {func(_ *registries, edge *repo) { edge.index("nightly", release{version: "0.9.0"}) }, "edge 0.9.0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistries(t)
			r.publish("mysql", "1.0.0")
			edge := r.repo(official + "/edge")
			first := edge.index("nightly", release{version: "1.0.0"})
			l := r.lock(m, Options{}).Lock
			r.publish("mysql", "1.1.0")
			c.do(r, edge)
			result := r.lock(m, Options{Locked: l, UpgradeAll: true, CheckMoved: true})
			if got := versions(result.Lock); got != c.want+", mysql 1.1.0" {
				t.Errorf("got %s", got)
			}
			e, _ := result.Lock.Plugin("edge")
			if c.note == "" {
				check(t, "notes", texts(result.Notes), []string{})
				return
			}
			check(t, "notes", texts(result.Notes), []string{c.note})
			if e.Digest != first {
				t.Errorf("got %s", e.Digest)
			}
			behind, err := Outdated(context.Background(), r, Options{Manifest: parse(t, m), Locked: l, Now: noon()})
			if err != nil || behind[0].Wanted != "1.0.0" || behind[0].Digest || behind[0].Kept == "" {
				t.Errorf("outdated: %+v, %v", behind, err)
			}
		})
	}
}

// TestNothingToTakeForAPlatform: what is locked is no substitute for a platform
// that it lacks.
func TestNothingToTakeForAPlatform(t *testing.T) {
	const m = "platforms = [\"linux/amd64\"]\n[plugins]\nedge = { tag = \"nightly\" }\n"
	r := newRegistries(t)
	edge := r.repo(official + "/edge")
	edge.index("nightly", release{version: "1.0.0"})
	l := r.lock(m, Options{}).Lock
	delete(edge.tags, "nightly")
	_, err := r.resolve(Options{Manifest: parse(t, strings.Replace(m, "amd64\"", "amd64\", \"linux/arm64\"", 1)), Locked: l, UpgradeAll: true})
	if !errors.As(err, new(*NoRepositoryError)) {
		t.Errorf("got %v", err)
	}
}

// TestDeletedIsNotLeftForAnOlder: an upgrade goes back to an older version only
// if it was asked for.
func TestDeletedIsNotLeftForAnOlder(t *testing.T) {
	r, l := start(t)
	repo := r.repos[official+"/postgres"]
	delete(repo.tags, "0.1.1")
	delete(repo.tags, "0.1.2")
	o := Options{Locked: l, UpgradeAll: true, CheckMoved: true}
	if got := versions(r.lock(two, o).Lock); got != "mysql 1.1.0, postgres 0.1.1" {
		t.Errorf("got %s", got)
	}
	delete(repo.tags, "0.2.0") // then what is there is all older
	if got := versions(r.lock(two, o).Lock); got != "mysql 1.1.0, postgres 0.1.1" {
		t.Errorf("got %s", got)
	}
	o.Precise = map[string]string{"postgres": "0.1.0"}
	if got := versions(r.lock(two, o).Lock); got != "mysql 1.1.0, postgres 0.1.0" {
		t.Errorf("precise: got %s", got)
	}
	e, _ := Explain(context.Background(), r, Options{Manifest: parse(t, two), Locked: l, Now: noon()}, "postgres")
	var got []string
	for _, u := range e.Tags {
		got = append(got, u.Tag+" "+string(u.Verdict))
	}
	check(t, "rulings", got, []string{"0.1.0 older"})
}
