package resolve

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestVersions(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/postgres")
	repo.index("0.1.0", requires(artifact.Host, ">=0.24"))
	repo.index("0.2.0-rc.1", release{})
	repo.tags["0.1.1"] = repo.put(map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json"}).Digest
	m := "[plugins]\npostgres = \"0.1.0\"\n"
	l := r.lock(m, Options{}).Lock
	repo.index("0.1.0", release{salt: "moved"})
	list, err := Versions(context.Background(), r, Options{Manifest: parse(t, m), Locked: l}, "postgres", 0)
	if err != nil || len(list.Versions) != 3 {
		t.Fatalf("got %+v, %v", list, err)
	}
	infos := list.Versions
	if v := infos[0]; v.Version != "0.2.0-rc.1" || v.Locked || v.Moved || artifact.JoinPlatforms(v.Platforms) != "linux/amd64, linux/arm64" || v.Created.IsZero() || len(v.Builds) != 2 {
		t.Errorf("got %+v", v)
	}
	if v := infos[1]; v.Problem == nil || v.Version != "0.1.1" {
		t.Errorf("got %+v", v)
	}
	if v := infos[2]; !v.Locked || !v.Moved || v.Digest != repo.tags["0.1.0"] {
		t.Errorf("got %+v", v)
	}
	if list, err = Versions(context.Background(), r, Options{Manifest: parse(t, m)}, "postgres", 1); err != nil || len(list.Versions) != 1 {
		t.Errorf("got %+v, %v", infos, err)
	}
	if _, err = Versions(context.Background(), r, Options{Manifest: parse(t, m)}, "oracle", 0); !errors.As(err, new(*NoRepositoryError)) {
		t.Errorf("got %v", err)
	}
}

func TestOutdated(t *testing.T) {
	r, l := start(t)
	o := Options{Manifest: parse(t, two), Locked: l, Now: noon()}
	some := func() []Behind {
		t.Helper()
		got, err := Outdated(context.Background(), r, o)
		if err != nil || len(got) != 2 {
			t.Fatalf("got %+v, %v", got, err)
		}
		return got
	}
	got := some()
	if b := got[0]; b.Plugin != "mysql" || b.Current != "1.0.0" || b.Wanted != "1.1.0" || b.Latest != "1.1.0" || !b.Outdated() {
		t.Errorf("got %+v", b)
	}
	if b := got[1]; b.Current != "0.1.1" || b.Wanted != "0.1.2" || b.Latest != "0.2.0" || !b.Outdated() {
		t.Errorf("got %+v", b)
	}
	r.repo(official+"/postgres").index("0.1.1", release{salt: "moved"})
	if b := some()[1]; b.Wanted != "0.1.1" || b.Latest != "0.2.0" || len(b.Moved) != 1 || !b.Outdated() {
		t.Errorf("got %+v", b)
	}
	o.Locked = r.lock(two, Options{}).Lock
	if b := some()[0]; b.Outdated() {
		t.Errorf("got %+v", b)
	}
	// Behind, though the manifest does not admit what is newer.
	if b := some()[1]; b.Current != b.Wanted || !b.Outdated() {
		t.Errorf("got %+v", b)
	}
}

func TestOutdatedFloating(t *testing.T) {
	r := newRegistries(t)
	r.repo(official+"/edge").index("nightly", release{})
	m := "[plugins]\nedge = { tag = \"nightly\" }\n"
	l := r.lock(m, Options{}).Lock
	for _, moved := range []bool{false, true} {
		if moved {
			r.repo(official+"/edge").index("nightly", release{salt: "moved"})
		}
		got, err := Outdated(context.Background(), r, Options{Manifest: parse(t, m), Locked: l})
		if err != nil || len(got) != 1 || got[0].Digest != moved || got[0].Outdated() != moved || got[0].Current != "nightly" {
			t.Errorf("moved %t: got %+v, %v", moved, got, err)
		}
	}
}

func TestTree(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0")
	r.repo(official+"/a").index("1.0.0", requires("b", "^1", artifact.Host, ">=0.24"))
	r.repo(official+"/b").index("1.0.0", requires("a", "^1", "postgres", "*"))
	m := "[plugins]\na = \"^1\"\npostgres = \"^0.1\"\nnew = { tag = \"nightly\" }\n"
	l := r.lock("[plugins]\na = \"^1\"\npostgres = \"^0.1\"\n", Options{}).Lock
	var told []string
	var tell func(depth int, nodes []Node)
	tell = func(depth int, nodes []Node) {
		for _, n := range nodes {
			told = append(told, fmt.Sprintf("%d %s %s locked %t repeated %t host %s", depth, n.Name, n.Constraint, n.Plugin != nil, n.Repeated, n.Host))
			tell(depth+1, n.Requires)
		}
	}
	tell(0, Tree(parse(t, m), l))
	check(t, "tree", told, []string{
		"0 a ^1 locked true repeated false host >=0.24",
		"1 b ^1 locked true repeated false host ",
		"2 a ^1 locked true repeated true host >=0.24",
		"2 postgres * locked true repeated false host ",
		"0 postgres ^0.1 locked true repeated true host ",
		"0 new tag nightly locked false repeated false host ",
	})
}
