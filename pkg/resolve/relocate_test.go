package resolve

import (
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// TestPlaceChanges edits only where the manifest looks for plugins: what is
// locked is looked for there first.
func TestPlaceChanges(t *testing.T) {
	rel := release{created: "2026-01-01T00:00:00Z"}
	layouts := map[string]func(r *repo, tag string, rel release){
		"index": func(r *repo, tag string, rel release) { r.index(tag, rel) },
		"files": (*repo).files,
		"tags":  (*repo).platformTags,
	}
	for layout, publish := range layouts {
		for name, c := range map[string]struct {
			manifest string
			there    string // versions in the new place; one with ! has other content
			o        Options
			want     string
			notes    []string
		}{
			"the same content": {"postgres = \"*\"", "0.1.0 0.1.1 0.2.0", Options{}, "postgres 0.1.1", nil},
			"other content": {"postgres = \"*\"", "0.1.0 !0.1.1 0.2.0", Options{}, "postgres 0.1.1", []string{
				"postgres: 0.1.1 in new.test/db/postgres has other content than what was locked from " + official + "/postgres"}},
			"not there": {"postgres = \"*\"", "0.1.0 0.2.0", Options{}, "postgres 0.2.0", []string{
				"postgres: 0.1.1, which was locked from " + official + "/postgres, is not in new.test/db/postgres"}},
			"not admitted": {"postgres = \"^0.2\"", "0.1.1 0.2.0", Options{}, "postgres 0.2.0", nil},
			"upgrade":      {"postgres = \"*\"", "0.1.1 0.2.0", Options{UpgradeAll: true}, "postgres 0.2.0", nil},
			"precise":      {"postgres = \"*\"", "0.1.0 0.1.1 0.2.0", Options{Precise: map[string]string{"postgres": "0.1.0"}}, "postgres 0.1.0", nil},
		} {
			t.Run(layout+" "+name, func(t *testing.T) {
				r := newRegistries(t)
				publish(r.repo(official+"/postgres"), "0.1.1", rel)
				c.o.Locked = r.lock("[plugins]\npostgres = \"*\"\n", Options{}).Lock
				for _, v := range strings.Fields(c.there) {
					other := rel
					if strings.HasPrefix(v, "!") {
						other.salt = "other"
					}
					publish(r.repo("new.test/db/postgres"), strings.TrimPrefix(v, "!"), other)
				}
				r.log = nil
				result := r.lock("registry = \"new.test/db\"\n[plugins]\n"+c.manifest+"\n", c.o)
				if got := versions(result.Lock); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				if got := result.Lock.Plugins[0].Repository; got != "new.test/db/postgres" {
					t.Errorf("from %s", got)
				}
				check(t, "notes", texts(result.Notes), append([]string{}, c.notes...))
				check(t, "skipped", texts(result.Skipped), []string{})
				for _, line := range r.log {
					if strings.Contains(line, official) {
						t.Errorf("the old place was asked: %s", line)
					}
				}
			})
		}
	}
}

// TestPlaceChangesOfOthers edits the place of a driver that another one
// requires, and of entries that name a tag.
func TestPlaceChangesOfOthers(t *testing.T) {
	r := newRegistries(t)
	place := func(registry string) {
		r.repo(registry+"/timescaledb").index("1.0.0", release{requires: map[string]string{"postgres": "^0.1"}})
		r.repo(registry+"/postgres").index("0.1.0", release{})
	}
	place(official)
	r.repo(official+"/edge").index("nightly", release{version: "3.0.0"})
	text := "[plugins]\ntimescaledb = \"*\"\nedge = { tag = \"nightly\" }\n"
	l := r.lock(text, Options{}).Lock
	place("new.test/db")
	r.repo("new.test/db/postgres").index("0.1.9", release{})
	edge := r.repo("new.test/db/edge")
	edge.index("nightly", release{version: "3.0.0"})
	edge.index("nightly", release{version: "4.0.0", salt: "newer"})

	moved := r.lock("registry = \"new.test/db\"\n"+text, Options{Locked: l})
	if got := versions(moved.Lock); got != "edge 3.0.0, postgres 0.1.0, timescaledb 1.0.0" {
		t.Errorf("got %s", got)
	}
	check(t, "notes", texts(moved.Notes), []string{})
	if e, _ := moved.Lock.Plugin("edge"); e.Tag != "nightly" {
		t.Errorf("edge is locked by %q", e.Tag)
	}

	other := r.repo("third.test/edge")
	other.index("nightly", release{version: "3.0.0", salt: "rebuilt"})
	moved = r.lock(strings.Replace(text, "nightly\"", "nightly\", repository = \"third.test/edge\"", 1), Options{Locked: l})
	check(t, "notes", texts(moved.Notes), []string{
		"edge: 3.0.0 in third.test/edge has other content than what was locked from " + official + "/edge"})
}

// TestPlaceChangesAge: what was taken before is not too young in another place.
func TestPlaceChangesAge(t *testing.T) {
	r := newRegistries(t)
	rel := release{created: noon().Add(-1).Format("2006-01-02T15:04:05Z07:00")}
	r.repo(official+"/postgres").index("0.1.1", rel)
	l := r.lock("[plugins]\npostgres = \"*\"\n", Options{}).Lock
	r.repo("new.test/db/postgres").index("0.1.1", rel)
	r.repo("new.test/db/postgres").index("0.1.0", release{created: "2026-01-01T00:00:00Z"})
	moved := r.lock("registry = \"new.test/db\"\nminimum-age = \"72h\"\n[plugins]\npostgres = \"*\"\n", Options{Locked: l})
	if got := versions(moved.Lock); got != "postgres 0.1.1" {
		t.Errorf("got %s", got)
	}
}

// TestPlaceChangesExplained: why tells that the version is taken because it is
// locked.
func TestPlaceChangesExplained(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.1")
	l := r.lock("[plugins]\npostgres = \"*\"\n", Options{}).Lock
	for _, v := range []string{"0.1.0", "0.1.1", "0.2.0"} {
		r.repo("new.test/db/postgres").index(v, release{})
	}
	e, err := Explain(t.Context(), r, Options{Manifest: parse(t, "registry = \"new.test/db\"\n[plugins]\npostgres = \"*\"\n"), Locked: l, Now: noon()}, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range e.Tags {
		got = append(got, u.Tag+": "+string(u.Verdict)+" "+u.Detail)
	}
	check(t, "rulings", got, []string{"0.2.0: locked is acceptable, but 0.1.1 is locked", "0.1.1: taken is locked", "0.1.0: older "})
	if !e.Kept || e.Taken != "0.1.1" {
		t.Errorf("taken %s, kept %v", e.Taken, e.Kept)
	}
}

func TestSameContent(t *testing.T) {
	platform := func(os, hex string) lockfile.Platform {
		return lockfile.Platform{Platform: artifact.Platform{OS: os, Arch: "amd64"}, Manifest: "sha256:m", Layer: digest.Digest("sha256:" + hex)}
	}
	a := lockfile.Plugin{Repository: "a", Platforms: []lockfile.Platform{platform("linux", "1")}}
	for name, c := range map[string]struct {
		b    lockfile.Plugin
		want bool
	}{
		"itself":            {a, true},
		"another place":     {lockfile.Plugin{Repository: "b", Platforms: a.Platforms}, true},
		"another layer":     {lockfile.Plugin{Platforms: []lockfile.Platform{platform("linux", "2")}}, false},
		"nothing in common": {lockfile.Plugin{Platforms: []lockfile.Platform{platform("darwin", "1")}}, false},
		"more platforms":    {lockfile.Plugin{Platforms: []lockfile.Platform{platform("darwin", "9"), platform("linux", "1")}}, true},
		"one has a digest":  {lockfile.Plugin{Digest: "sha256:d", Platforms: a.Platforms}, false},
	} {
		if got := SameContent(&a, &c.b); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
