package resolve

import (
	"errors"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func requires(pairs ...string) release {
	rel := release{requires: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		rel.requires[pairs[i]] = pairs[i+1]
	}
	return rel
}

func (r *registries) conflict(manifest string, o Options) *ConflictError {
	r.t.Helper()
	o.Manifest = parse(r.t, manifest)
	_, err := r.resolve(o)
	var e *ConflictError
	if !errors.As(err, &e) {
		r.t.Fatalf("got %v", err)
	}
	return e
}

func TestHost(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/postgres")
	repo.index("0.1.0", release{})
	repo.index("0.2.0", requires(artifact.Host, ">=0.20"))
	repo.index("0.2.1", requires(artifact.Host, ">=0.25"))
	repo.index("0.2.2", requires(artifact.Host, ">=0.25.1"))
	m := func(host, constraint string) string {
		return "schemahero = \"" + host + "\"\n[plugins]\npostgres = \"" + constraint + "\"\n"
	}
	for host, want := range map[string]string{
		"0.24": "postgres 0.2.0", "0.25": "postgres 0.2.1", "0.26.0": "postgres 0.2.2", "0.25.2-alpha.1": "postgres 0.2.2", "0.1": "postgres 0.1.0",
	} {
		if got := versions(r.lock(m(host, "*"), Options{}).Lock); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
	if got := versions(r.lock("[plugins]\npostgres = \"*\"\n", Options{}).Lock); got != "postgres 0.2.2" {
		t.Errorf("no host: got %s", got)
	}
	result := r.lock(m("0.24", "*"), Options{})
	check(t, "skipped", texts(result.Skipped), []string{
		"postgres 0.2.2: requires schemahero >=0.25.1, and schemahero is 0.24.0 (schemahero-plugins.toml:2)",
		"postgres 0.2.1: requires schemahero >=0.25, and schemahero is 0.24.0 (schemahero-plugins.toml:2)",
	})

	e := r.conflict(m("0.24", ">=0.2.1"), Options{})
	want := `Because postgres 0.2.2 depends on schemahero >=0.25.1 while schemahero is 0.24.0 (schemahero-plugins.toml:2) and postgres 0.2.1 depends on schemahero >=0.25 while schemahero is 0.24.0 (schemahero-plugins.toml:2), postgres >=0.2.1 is forbidden.
So, because the manifest depends on postgres >=0.2.1 (schemahero-plugins.toml:4), version solving failed.

The versions there are: postgres 0.2.2, 0.2.1, 0.2.0 and 0.1.0.`
	if e.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", e, want)
	}
	check(t, "suggestions", texts(e.Suggestions), []string{
		`write postgres = "^0.2" in place of ">=0.2.1" (schemahero-plugins.toml:4)`,
		`write schemahero = "0.25.1" in place of "0.24.0" (schemahero-plugins.toml:2), and run that host`,
	})
}

// TestNearestHost: the suggestion goes up or down, and no further than needed.
func TestNearestHost(t *testing.T) {
	for _, c := range []struct{ host, wants, want string }{
		{"0.24.0", ">=0.25", "0.25.0"},
		{"0.30.0", "<0.25", "0.24.0"},
		{"0.30.0", "<=0.25.3", "0.25.3"},
		{"0.30.0", "<0.25.3", "0.25.2"},
		{"0.24.0", "0.20.0 || 0.25.0 || 0.30.0", "0.25.0"},
		{"0.29.0", "0.20.0 || 0.25.0 || 0.30.0", "0.30.0"},
		{"0.24.0", ">0.25.0", "0.25.1"},
		{"0.24.0", ">=0.25; <0.26", "0.25.0"},
		{"0.24.0", ">=0.25; <0.25", ""},
		{"0.24.0", ">=0.26.0-0", "0.26.0"},
		{"0.24.0", "=0.26.0-rc.1", "0.26.0-rc.1"},
	} {
		got := nearestHost(semver.MustParse(c.host), strings.Split(c.wants, "; "))
		if c.want == "" && got != nil || c.want != "" && (got == nil || got.String() != c.want) {
			t.Errorf("%s, %s: got %v, want %s", c.host, c.wants, got, c.want)
		}
	}
}

func TestConflict(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.2.0")
	r.repo(official+"/timescaledb").index("0.1.0", requires("postgres", "^0.1"))
	r.repo(official+"/timescaledb").index("0.2.0", requires("postgres", "^0.2"))
	e := r.conflict("[plugins]\npostgres = \"^0.2\"\ntimescaledb = \"^0.1\"\n", Options{})
	want := `Because timescaledb 0.1.0 depends on postgres ^0.1 and the manifest depends on postgres ^0.2 (schemahero-plugins.toml:3), timescaledb 0.1.0 is forbidden.
So, because the manifest depends on timescaledb ^0.1 (schemahero-plugins.toml:4), version solving failed.

The versions there are: postgres 0.2.0 and 0.1.0; timescaledb 0.2.0 and 0.1.0.`
	if e.Proof != want {
		t.Errorf("got\n%s\nwant\n%s", e.Proof, want)
	}
	check(t, "suggestions", texts(e.Suggestions), []string{
		`write postgres = "^0.1" in place of "^0.2" (schemahero-plugins.toml:3)`,
		`write timescaledb = "^0.2" in place of "^0.1" (schemahero-plugins.toml:4)`,
	})
	check(t, "plugins", e.Plugins, []string{"postgres", "timescaledb"})
}

func TestSkippedForConflict(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.2.0")
	r.repo(official+"/timescaledb").index("0.1.0", requires("postgres", "^0.1"))
	result := r.lock("[plugins]\npostgres = \"*\"\ntimescaledb = \"*\"\n", Options{})
	check(t, "skipped", texts(result.Skipped), []string{"postgres 0.2.0: timescaledb 0.1.0 requires postgres ^0.1"})
}

// TestMissingRequirement: a version that requires what cannot be had is no
// candidate, and if there is no other the proof tells where it was looked
// for.
func TestMissingRequirement(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/timescaledb")
	repo.index("0.2.0", requires("ghost", "^1"))
	m := "[plugins]\ntimescaledb = \"*\"\n"
	e := r.conflict(m, Options{})
	want := "Because the manifest depends on timescaledb * (schemahero-plugins.toml:3) which depends on ghost ^1 while ghost has no repository: registry.test/db/ghost: not found, version solving failed.\n\nThe versions there are: timescaledb 0.2.0."
	if e.Proof != want {
		t.Errorf("got  %s\nwant %s", e.Proof, want)
	}
	repo.index("0.1.0", release{})
	result := r.lock(m, Options{})
	if got := versions(result.Lock); got != "timescaledb 0.1.0" {
		t.Errorf("got %s", got)
	}
	check(t, "skipped", texts(result.Skipped), []string{"timescaledb 0.2.0: requires ghost ^1, and no release of it satisfies that"})
	r.fail["tags "+official+"/ghost"] = errors.New("connection refused")
	if _, err := r.resolve(Options{Manifest: parse(t, m)}); err == nil || err.Error() != "connection refused" {
		t.Errorf("got %v", err)
	}
}

// TestRequirementOfUnversioned: a release that states no version is taken to
// meet what is required of it, and that is said.
func TestRequirementOfUnversioned(t *testing.T) {
	r := newRegistries(t)
	r.repo(official+"/postgres").index("nightly", release{})
	r.repo(official+"/timescaledb").index("0.1.0", requires("postgres", "^0.1"))
	m := "[plugins]\npostgres = { tag = \"nightly\" }\ntimescaledb = \"*\"\n"
	result := r.lock(m, Options{})
	check(t, "notes", texts(result.Notes), []string{"postgres: states no version, so what other drivers require of it is taken to be met"})

	r.repo(official+"/postgres").index("nightly", release{version: "0.2.0"})
	e := r.conflict(m, Options{})
	if len(e.Suggestions) != 0 {
		t.Errorf("got %v", e.Suggestions)
	}
}

// TestPrereleaseRequired: a requirement admits prereleases of a plugin only
// where the manifest wants them.
func TestPrereleaseRequired(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.2.0-rc.1")
	r.repo(official+"/timescaledb").index("0.1.0", requires("postgres", ">=0.1"))
	for m, want := range map[string]string{
		"[plugins]\ntimescaledb = \"*\"\n": "postgres 0.1.0, timescaledb 0.1.0",
		"[plugins]\ntimescaledb = \"*\"\npostgres = { version = \">=0.1\", prerelease = true }\n": "postgres 0.2.0-rc.1, timescaledb 0.1.0",
	} {
		if got := versions(r.lock(m, Options{}).Lock); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
