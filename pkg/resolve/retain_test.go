package resolve

import (
	"errors"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

const two = "[plugins]\npostgres = \"^0.1\"\nmysql = \"^1\"\n"

// start publishes two drivers, locks them, publishes newer ones, and forgets
// the requests.
func start(t *testing.T) (*registries, *lockfile.Lock) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.1.1")
	r.publish("mysql", "1.0.0")
	l := r.lock(two, Options{}).Lock
	r.publish("postgres", "0.1.2", "0.2.0")
	r.publish("mysql", "1.1.0")
	r.log = nil
	return r, l
}

func TestLockedStays(t *testing.T) {
	for name, c := range map[string]struct {
		manifest string
		o        Options
		want     string
		tags     int // lists asked for
	}{
		"unchanged":           {two, Options{}, "mysql 1.0.0, postgres 0.1.1", 0},
		"constraint admits":   {strings.Replace(two, "^0.1", ">=0.1", 1), Options{}, "mysql 1.0.0, postgres 0.1.1", 0},
		"constraint does not": {strings.Replace(two, "^0.1", "^0.2", 1), Options{}, "mysql 1.0.0, postgres 0.2.0", 1},
		"dropped":             {"[plugins]\npostgres = \"^0.1\"\n", Options{}, "postgres 0.1.1", 0},
		"another location":    {"[plugins]\nmysql = \"^1\"\npostgres = { version = \"^0.1\", repository = \"other.test/postgres\" }\n", Options{}, "mysql 1.0.0, postgres 0.1.7", 1},
		"upgrade one":         {two, Options{Upgrade: []string{"postgres"}}, "mysql 1.0.0, postgres 0.1.2", 1},
		"upgrade all":         {two, Options{UpgradeAll: true}, "mysql 1.1.0, postgres 0.1.2", 2},
		"precise":             {two, Options{Precise: map[string]string{"postgres": "v0.1.0"}}, "mysql 1.0.0, postgres 0.1.0", 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, l := start(t)
			r.repo("other.test/postgres").index("0.1.7", release{})
			c.o.Locked = l
			result := r.lock(c.manifest, c.o)
			if got := versions(result.Lock); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if got := r.count("tags "); got != c.tags {
				t.Errorf("%d lists of tags asked for, want %d: %q", got, c.tags, r.log)
			}
			if c.tags == 0 && len(r.log) != 0 {
				t.Errorf("asked: %q", r.log)
			}
		})
	}
}

func TestKeptBytes(t *testing.T) {
	r, l := start(t)
	l.Plugins[0].Signature = &lockfile.Signature{Key: "sha256:" + strings.Repeat("0", 64)}
	before := string(l.Encode())
	result := r.lock(strings.Replace(two, `"^0.1"`, `{ version = "^0.1", aliases = ["cockroachdb"] }`, 1), Options{Locked: l})
	if got := string(l.Encode()); got != before {
		t.Error("the lock that was given is changed")
	}
	p, _ := result.Lock.Plugin("postgres")
	check(t, "aliases", p.Aliases, []string{"cockroachdb"})
	p.Aliases = nil
	if got := string(result.Lock.Encode()); got != before {
		t.Errorf("got\n%s\nwant\n%s", got, before)
	}
	if len(r.log) != 0 {
		t.Errorf("asked: %q", r.log)
	}
}

func TestPreciseThatIsNot(t *testing.T) {
	r, l := start(t)
	_, err := r.resolve(Options{Manifest: parse(t, two), Locked: l, Precise: map[string]string{"postgres": "0.1.9"}})
	if e := new(NoVersionError); !errors.As(err, &e) || e.Constraint != "0.1.9" || e.Nearest != "0.1.2" {
		t.Errorf("got %v", err)
	}
	_, err = r.resolve(Options{Manifest: parse(t, two), Locked: l, Precise: map[string]string{"postgres": "0.2.0"}})
	if e := new(ConflictError); !errors.As(err, &e) || !strings.HasPrefix(e.Proof, "Because the manifest depends on both postgres ^0.1 (schemahero-plugins.toml:3) and postgres 0.2.0 (asked for), version solving failed.") {
		t.Errorf("got %v", err)
	}
	r.publish("postgres", "0.1.9-rc.1")
	_, err = r.resolve(Options{Manifest: parse(t, two), Locked: l, Precise: map[string]string{"postgres": "0.1.9-rc.1"}})
	if e := new(NoVersionError); !errors.As(err, &e) || e.Prerelease != "0.1.9-rc.1" || err.Error() != "postgres: 0.1.9-rc.1 cannot be taken: it is a prerelease, which ^0.1 does not admit" {
		t.Errorf("got %v", err)
	}
	_, err = r.resolve(Options{Manifest: parse(t, two), Locked: l, Upgrade: []string{"oracle"}})
	if e := new(UnknownPluginError); !errors.As(err, &e) || e.Plugin != "oracle" {
		t.Errorf("got %v", err)
	}
}

// TestPlatformsGrow adds a platform: the same releases are read again, by
// what the lock pins.
func TestPlatformsGrow(t *testing.T) {
	for layout, publish := range map[string]func(r *repo, tag string, rel release){
		"index": func(r *repo, tag string, rel release) { r.index(tag, rel) },
		"files": (*repo).files,
		"tags":  (*repo).platformTags,
		"bare": func(r *repo, tag string, rel release) {
			r.platformTags(tag, rel)
			r.tags[tag] = r.tags[tag+"-linux-amd64"]
		},
	} {
		t.Run(layout, func(t *testing.T) {
			r := newRegistries(t)
			repo := r.repo(official + "/postgres")
			publish(repo, "0.1.0", release{sum: true})
			l := r.lock("platforms = [\"linux/amd64\"]\n[plugins]\npostgres = \"^0.1\"\n", Options{}).Lock
			publish(repo, "0.1.1", release{})
			r.log = nil
			both := "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[plugins]\npostgres = \"^0.1\"\n"
			result := r.lock(both, Options{Locked: l})
			if got := versions(result.Lock); got != "postgres 0.1.0" {
				t.Errorf("got %s", got)
			}
			p := result.Lock.Plugins[0]
			if len(p.Platforms) != 2 || p.Tag != l.Plugins[0].Tag || p.Digest != l.Plugins[0].Digest {
				t.Errorf("got %+v", p)
			}
			if r.count("tags ") != 0 || r.count("blob ") == 0 {
				t.Errorf("asked: %q", r.log)
			}

			// The tag names something else now. What the lock pins by digest is
			// still there; in the tags layout the new platform is not pinned.
			publish(repo, "0.1.0", release{salt: "moved"})
			result, err := r.resolve(Options{Manifest: parse(t, both), Locked: l})
			if layout == "index" || layout == "files" {
				if err != nil || result.Lock.Plugins[0].Digest != l.Plugins[0].Digest {
					t.Errorf("got %v", err)
				}
				repo.manifests = map[digest.Digest][]byte{}
				_, err = r.resolve(Options{Manifest: parse(t, both), Locked: l})
			}
			if e := new(MovedError); !errors.As(err, &e) || e.Plugin != "postgres" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestPlatformsGrowTooFar adds a platform that the locked version lacks.
func TestPlatformsGrowTooFar(t *testing.T) {
	r, l := start(t)
	r.repo(official+"/postgres").index("0.1.3", release{platforms: "linux/amd64 linux/arm64 darwin/arm64"})
	m := "platforms = [\"linux/amd64\", \"darwin/arm64\"]\n[plugins]\npostgres = \"^0.1\"\n"
	result := r.lock(m, Options{Locked: l})
	if got := versions(result.Lock); got != "postgres 0.1.3" {
		t.Errorf("got %s", got)
	}
	check(t, "notes", texts(result.Notes), []string{"postgres: 0.1.1 is locked and offers no darwin/arm64"})
}

// TestPlatformsGrowFromForgedLock: an entry whose digests are no chain is
// resolved again, and that is said.
func TestPlatformsGrowFromForgedLock(t *testing.T) {
	r, _ := start(t)
	l := r.lock("platforms = [\"linux/amd64\"]\n[plugins]\npostgres = \"^0.1\"\n", Options{}).Lock
	good := l.Plugins[0].Platforms[0].Layer
	l.Plugins[0].Platforms[0].Layer = digest.FromString("forged")
	result := r.lock("platforms = [\"linux/amd64\", \"linux/arm64\"]\n[plugins]\npostgres = \"^0.1\"\n", Options{Locked: l})
	if p, _ := result.Lock.Plugins[0].Platform(artifact.Platform{OS: "linux", Arch: "amd64"}); p.Layer != good {
		t.Errorf("got %s", p.Layer)
	}
	check(t, "notes", texts(result.Notes), []string{"postgres: is locked with manifests or layers that 0.1.2 does not name"})
}

func TestTagAndDigestEntries(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/edge")
	first := repo.index("nightly", release{version: "1.0.0"})
	m := "[plugins]\nedge = { tag = \"nightly\" }\n"
	l := r.lock(m, Options{}).Lock
	if p := l.Plugins[0]; p.Version != "1.0.0" || p.Tag != "nightly" || p.Digest != first {
		t.Errorf("got %+v", p)
	}
	second := repo.index("nightly", release{})
	r.log = nil
	if p := r.lock(m, Options{Locked: l}).Lock.Plugins[0]; p.Digest != first || len(r.log) != 0 {
		t.Errorf("lock follows a floating tag: %+v, %q", p, r.log)
	}
	result := r.lock(m, Options{Locked: l, UpgradeAll: true, CheckMoved: true})
	if p := result.Lock.Plugins[0]; p.Digest != second || p.Version != "" {
		t.Errorf("an upgrade does not follow a floating tag: %+v", p)
	}
	if len(result.Moved) != 1 || !result.Moved[0].Floating {
		t.Errorf("got %+v", result.Moved)
	}

	pinned := "[plugins]\nedge = { digest = \"" + string(first) + "\" }\n"
	p := r.lock(pinned, Options{Locked: l}).Lock.Plugins[0]
	if p.Digest != first || p.Tag != "" || p.Version != "1.0.0" {
		t.Errorf("got %+v", p)
	}
	r.log = nil
	again := r.lock(pinned, Options{Locked: &lockfile.Lock{Plugins: []lockfile.Plugin{p}}, UpgradeAll: true})
	if again.Lock.Plugins[0].Digest != first || len(r.log) != 0 {
		t.Errorf("what a digest names cannot be newer: %q", r.log)
	}
	if _, err := r.resolve(Options{Manifest: parse(t, "platforms = [\"windows/amd64\"]\n"+pinned)}); !errors.As(err, new(*PlatformError)) {
		t.Errorf("got %v", err)
	}
	if _, err := r.resolve(Options{Manifest: parse(t, "[plugins]\nedge = { tag = \"weekly\" }\n")}); !errors.As(err, new(*NoRepositoryError)) {
		t.Errorf("got %v", err)
	}
}

// TestRequirements locks what is required, from the manifest's registry and
// not from the requirer's, keeps it, and drops it when it is no longer.
func TestRequirements(t *testing.T) {
	r := newRegistries(t)
	requires := map[string]string{"postgres": "^0.1", artifact.Host: ">=0.24"}
	r.repo("other.test/timescaledb").index("0.1.0", release{requires: requires})
	r.publish("postgres", "0.1.0", "0.2.0")
	m := "[plugins]\ntimescaledb = { version = \"*\", repository = \"other.test/timescaledb\" }\n"
	l := r.lock(m, Options{}).Lock
	if got := versions(l); got != "postgres 0.1.0, timescaledb 0.1.0" {
		t.Errorf("got %s", got)
	}
	p, _ := l.Plugin("timescaledb")
	if len(p.Requires) != 2 || p.Requires["postgres"] != "^0.1" || p.Requires[artifact.Host] != ">=0.24" {
		t.Errorf("requires %v", p.Requires)
	}
	r.publish("postgres", "0.1.1")
	r.log = nil
	if got := versions(r.lock(m, Options{Locked: l}).Lock); got != "postgres 0.1.0, timescaledb 0.1.0" || len(r.log) != 0 {
		t.Errorf("got %s, asked %q", got, r.log)
	}
	if got := versions(r.lock(m, Options{Locked: l, Upgrade: []string{"postgres"}}).Lock); got != "postgres 0.1.1, timescaledb 0.1.0" {
		t.Errorf("got %s", got)
	}
	r.repo("other.test/timescaledb").index("0.2.0", release{})
	if got := versions(r.lock(m, Options{Locked: l, UpgradeAll: true}).Lock); got != "timescaledb 0.2.0" {
		t.Errorf("got %s", got)
	}
}

// TestThaw moves a locked plugin only if what is new asks for it.
func TestThaw(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.2.0")
	r.publish("mysql", "1.0.0")
	l := r.lock("[plugins]\npostgres = \"0.1.0\"\nmysql = \"*\"\n", Options{}).Lock
	r.publish("mysql", "2.0.0")
	r.repo(official+"/timescaledb").index("0.1.0", release{requires: map[string]string{"postgres": "^0.1"}})
	r.repo(official+"/timescaledb").index("0.2.0", release{requires: map[string]string{"postgres": "^0.2"}})
	r.log = nil
	const m = "[plugins]\npostgres = \">=0.1\"\nmysql = \"*\"\ntimescaledb = "
	if got := versions(r.lock(m+"\"*\"\n", Options{Locked: l}).Lock); got != "mysql 1.0.0, postgres 0.1.0, timescaledb 0.1.0" {
		t.Errorf("got %s", got)
	}
	if r.count("tags "+official+"/postgres") != 0 {
		t.Error("what stays was asked for")
	}
	if got := versions(r.lock(m+"\"^0.2\"\n", Options{Locked: l}).Lock); got != "mysql 1.0.0, postgres 0.2.0, timescaledb 0.2.0" {
		t.Errorf("got %s", got)
	}
	if r.count("tags "+official+"/mysql") != 0 {
		t.Error("what has no part in the conflict was asked for")
	}
	// Of two that are in the way only the one moves that must.
	r.repo(official+"/timescaledb").index("0.3.0", release{requires: map[string]string{"mysql": "^2"}})
	if got := versions(r.lock(m+"\">=0.2\"\n", Options{Locked: l}).Lock); got != "mysql 2.0.0, postgres 0.1.0, timescaledb 0.3.0" {
		t.Errorf("got %s", got)
	}
}

// TestRequiredIsDecidedLast: what only others require does not keep an upgrade, or
// something new, from its newest version; what the manifest lists does.
func TestRequiredIsDecidedLast(t *testing.T) {
	publish := func(r *registries, version, mysql string) {
		r.repo(official+"/timescaledb").index(version, release{requires: map[string]string{"mysql": mysql}})
	}
	r := newRegistries(t)
	r.publish("mysql", "0.1.0")
	publish(r, "1.0.0", ">=0.1")
	r.repo(official+"/other").index("1.0.0", release{requires: map[string]string{"mysql": "*"}})
	const m = "[plugins]\ntimescaledb = \"*\"\nother = \"*\"\n"
	l := r.lock(m, Options{}).Lock
	without := r.lock("[plugins]\nother = \"*\"\n", Options{}).Lock
	listed := r.lock("[plugins]\nother = \"*\"\nmysql = \"*\"\n", Options{}).Lock
	r.publish("mysql", "0.2.0", "0.2.1", "0.3.0")
	publish(r, "1.1.0", "^0.2")
	r.log = nil

	if got := versions(r.lock(m, Options{Locked: l}).Lock); got != versions(l) || len(r.log) != 0 {
		t.Errorf("lock: got %s, asked %q", got, r.log)
	}
	if got := versions(r.lock(m, Options{Locked: l, Upgrade: []string{"timescaledb"}}).Lock); got != "mysql 0.2.1, other 1.0.0, timescaledb 1.1.0" {
		t.Errorf("update: got %s", got)
	}
	if got := versions(r.lock(m, Options{Locked: without}).Lock); got != "mysql 0.2.1, other 1.0.0, timescaledb 1.1.0" {
		t.Errorf("add: got %s", got)
	}
	if got := versions(r.lock(m+"mysql = \"*\"\n", Options{Locked: listed}).Lock); got != "mysql 0.1.0, other 1.0.0, timescaledb 1.0.0" {
		t.Errorf("listed: got %s", got)
	}
	saved := r.repos[official+"/mysql"].tags["0.1.0"]
	r.repo(official+"/mysql").index("0.1.0", release{salt: "moved"})
	if got := versions(r.lock(m, Options{Locked: l, Upgrade: []string{"timescaledb"}, CheckMoved: true}).Lock); got != versions(l) {
		t.Errorf("moved: got %s", got)
	}
	r.repos[official+"/mysql"].tags["0.1.0"] = saved
	publish(r, "1.2.0", "^9")
	if got := versions(r.lock(m, Options{Locked: l, Upgrade: []string{"timescaledb"}}).Lock); got != "mysql 0.2.1, other 1.0.0, timescaledb 1.1.0" {
		t.Errorf("out of reach: got %s", got)
	}
}

// TestPreciseOfRequired: a version that there is not is said to be missing, and
// what there is, also of a driver that is only required.
func TestPreciseOfRequired(t *testing.T) {
	r := newRegistries(t)
	r.publish("mysql", "0.1.0", "0.2.0")
	r.repo(official+"/timescaledb").index("1.0.0", release{requires: map[string]string{"mysql": "*"}})
	m := parse(t, "[plugins]\ntimescaledb = \"*\"\n")
	first, err := r.resolve(Options{Manifest: m})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.resolve(Options{Manifest: m, Locked: first.Lock, Precise: map[string]string{"mysql": "9.9.9"}})
	if e := new(NoVersionError); !errors.As(err, &e) || e.Newest != "0.2.0" || e.Constraint != "9.9.9" {
		t.Errorf("got %v", err)
	}
	again, err := r.resolve(Options{Manifest: m, Locked: first.Lock, Precise: map[string]string{"mysql": "0.1.0"}})
	if err != nil || versions(again.Lock) != "mysql 0.1.0, timescaledb 1.0.0" {
		t.Errorf("got %v", err)
	}
}
