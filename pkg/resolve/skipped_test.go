package resolve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestMinimumAge(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/postgres")
	repo.index("0.1.0", release{})
	repo.index("0.1.1", release{created: "-"})
	repo.index("0.1.2", release{created: noon().Add(-71 * time.Hour).Format(time.RFC3339)})
	const m = "minimum-age = \"72h\"\n[plugins]\npostgres = \"^0.1\"\n"
	result := r.lock(m, Options{})
	if got := versions(result.Lock); got != "postgres 0.1.0" {
		t.Errorf("got %s", got)
	}
	check(t, "skipped", texts(result.Skipped), []string{
		"postgres 0.1.2: is younger than 72h, of 2026-11-20T13:00:00Z",
		"postgres 0.1.1: states no date, and minimum-age is 72h",
	})

	// What is locked was locked before the rule, and stays even in an upgrade.
	young := r.lock("[plugins]\npostgres = \"^0.1\"\n", Options{})
	for _, upgrade := range []bool{false, true} {
		result = r.lock(m, Options{Locked: young.Lock, UpgradeAll: upgrade})
		if got := versions(result.Lock); got != "postgres 0.1.2" {
			t.Errorf("upgrade %t: got %s", upgrade, got)
		}
	}
}

func TestMinimumAgePassesAll(t *testing.T) {
	r := newRegistries(t)
	r.repo(official+"/postgres").index("0.1.0", release{created: "-"})
	r.publish("postgres", "0.2.0")
	_, err := r.resolve(Options{Manifest: parse(t, "minimum-age = \"72h\"\n[plugins]\npostgres = \"^0.1\"\n")})
	var e *NoVersionError
	if !errors.As(err, &e) || len(e.Passed) != 1 || e.Passed[0].Verdict != Undated {
		t.Fatalf("got %v", err)
	}
	want := "postgres: no version that ^0.1 (schemahero-plugins.toml:4) admits can be taken: 0.1.0 states no date, and minimum-age is 72h; the newest of all is 0.2.0"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestBrokenReleaseIsPassedOver(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0")
	repo := r.repo(official + "/postgres")
	repo.tags["0.1.1"] = repo.put(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}).Digest
	repo.tags["0.1.2"] = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	result := r.lock("[plugins]\npostgres = \"*\"\n", Options{})
	if got := versions(result.Lock); got != "postgres 0.1.0" {
		t.Errorf("got %s", got)
	}
	if len(result.Skipped) != 2 || result.Skipped[0].Verdict != Deleted || result.Skipped[1].Verdict != Broken {
		t.Errorf("got %+v", result.Skipped)
	}
}

func TestNoVersion(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.2.5", "0.4.0", "2.0.0", "3.0.0-rc.1")
	r.repo(official + "/empty")
	r.repo(official+"/mysql").index("1.0.0-rc.1", release{})
	for manifest, want := range map[string]string{
		`postgres = "^0.3"`:   "postgres: no version in registry.test/db/postgres satisfies ^0.3 (schemahero-plugins.toml:3): the newest is 2.0.0, the nearest 0.4.0; the newest prerelease is 3.0.0-rc.1",
		`postgres = "^0.2.7"`: "postgres: no version in registry.test/db/postgres satisfies ^0.2.7 (schemahero-plugins.toml:3): the newest is 2.0.0, the nearest 0.2.5; the newest prerelease is 3.0.0-rc.1",
		`postgres = ">=3"`:    "postgres: no version in registry.test/db/postgres satisfies >=3 (schemahero-plugins.toml:3): the newest is 2.0.0; the newest prerelease is 3.0.0-rc.1",
		`postgres = ">2"`:     "postgres: no version in registry.test/db/postgres satisfies >2 (schemahero-plugins.toml:3): the newest is 2.0.0; 3.0.0-rc.1 is a prerelease",
		`empty = "*"`:         "empty: no version in registry.test/db/empty satisfies * (schemahero-plugins.toml:3): it has no version at all",
		`mysql = "*"`:         "mysql: no version in registry.test/db/mysql satisfies * (schemahero-plugins.toml:3): the newest is 1.0.0-rc.1; 1.0.0-rc.1 is a prerelease",
	} {
		_, err := r.resolve(Options{Manifest: parse(t, "[plugins]\n"+manifest+"\n")})
		var e *NoVersionError
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v", manifest, err)
			continue
		}
		if err.Error() != want {
			t.Errorf("%s:\n got %s\nwant %s", manifest, err, want)
		}
	}
	if n := r.count("manifest "); n != 0 {
		t.Errorf("%d manifests read where tags tell enough", n)
	}
}

func TestSeveralFailures(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0")
	_, err := r.resolve(Options{Manifest: parse(t, "[plugins]\npostgres = \"^9\"\nmysql = \"*\"\n")})
	var version *NoVersionError
	var repository *NoRepositoryError
	if !errors.As(err, &version) || !errors.As(err, &repository) {
		t.Fatalf("got %v", err)
	}
	if !strings.HasPrefix(err.Error(), "postgres: ") {
		t.Errorf("not in the order of the manifest: %v", err)
	}
}

func TestChecksum(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/postgres")
	repo.files("0.1.0", release{platforms: "linux/amd64", sum: true})
	repo.files("0.1.1", release{platforms: "linux/amd64", badSum: true})
	if got := versions(r.lock("[plugins]\npostgres = \"0.1.0\"\n", Options{}).Lock); got != "postgres 0.1.0" {
		t.Errorf("got %s", got)
	}
	_, err := r.resolve(Options{Manifest: parse(t, "[plugins]\npostgres = \"^0.1\"\n")})
	if e := new(artifact.SumError); !errors.As(err, &e) || !strings.HasPrefix(err.Error(), "postgres 0.1.1: ") {
		t.Errorf("got %v", err)
	}
}

// TestSame locks the same state twice and wants the same bytes.
func TestSame(t *testing.T) {
	r := newRegistries(t)
	for i := range 20 {
		r.repo(fmt.Sprintf("%s/p%d", official, i)).index("1.0.0", release{requires: map[string]string{fmt.Sprintf("p%d", (i+1)%20): "^1", artifact.Host: ">=0.1"}})
	}
	const m = "[plugins]\np3 = \"*\"\np4 = \"*\"\n"
	first := r.lock(m, Options{}).Lock
	for name, o := range map[string]Options{
		"again":     {},
		"locked":    {Locked: first},
		"upgraded":  {Locked: first, UpgradeAll: true},
		"partially": {Locked: &lockfile.Lock{Plugins: first.Plugins[:7]}},
	} {
		if got := r.lock(m, o).Lock; string(got.Encode()) != string(first.Encode()) {
			t.Errorf("%s: differs:\n%s\n%s", name, got.Encode(), first.Encode())
		}
	}
}

func TestCancelled(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Resolve(ctx, r, Options{Manifest: parse(t, "[plugins]\npostgres = \"*\"\n")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
