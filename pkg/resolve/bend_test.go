package resolve

import (
	"errors"
	"testing"
)

// TestRequiredBends: what only others require does not keep an upgrade, or
// something new, from its newest version; what the manifest lists does.
func TestRequiredBends(t *testing.T) {
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
