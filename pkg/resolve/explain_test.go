package resolve

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func (u TagStatus) String() string {
	text := fmt.Sprintf("%s: %s", u.Tag, u.Verdict)
	if u.Detail != "" {
		text += ": " + u.Detail
	}
	return text
}

func (r *registries) explain(manifest, name string, o Options) *Explanation {
	r.t.Helper()
	o.Manifest, o.Now = parse(r.t, manifest), noon()
	e, err := Explain(context.Background(), r, o, name)
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

// TestLadder has a tag for every verdict.
func TestLadder(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/postgres")
	repo.index("0.1.0", release{})
	repo.index("0.1.1", release{})
	repo.index("0.1.2", release{platforms: "linux/amd64"})
	repo.index("0.1.3", release{created: noon().Add(-time.Hour).Format(time.RFC3339)})
	repo.index("0.1.4", release{created: "-"})
	repo.index("0.1.5", requires(artifact.Host, ">=0.30"))
	repo.index("0.1.6", requires("mysql", "^2"))
	repo.index("0.1.8-rc.1", release{})
	repo.index("0.2.0", release{})
	repo.index("0.3.0", release{})
	repo.index("0.3.0-rc.1", release{})
	repo.tags["0.1.7"] = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	for _, tag := range []string{"latest", "0", "0.1", "v0", "sha256-abc.sig", "0.1.1-linux-amd64", "nightly", "v"} {
		repo.tags[tag] = repo.tags["0.1.1"]
	}
	r.publish("mysql", "1.0.0")
	e := r.explain("schemahero = \"0.25\"\nminimum-age = \"72h\"\nplatforms = [\"linux/amd64\", \"linux/arm64\"]\n[plugins]\npostgres = \"^0.1\"\nmysql = \"^1\"\n", "postgres", Options{})
	check(t, "rulings", texts(e.Tags), []string{
		"0.3.0: constraint: is not admitted by ^0.1",
		"0.3.0-rc.1: constraint: is not admitted by ^0.1",
		"0.2.0: constraint: is not admitted by ^0.1",
		"0.1.8-rc.1: prerelease",
		"0.1.7: deleted: is no longer there",
		"0.1.6: conflict: requires mysql ^2, and 1.0.0 is taken",
		"0.1.5: host: requires schemahero >=0.30, and schemahero is 0.25.0 (schemahero-plugins.toml:2)",
		"0.1.4: undated: states no date, and minimum-age is 72h",
		"0.1.3: age: is younger than 72h, of 2026-11-23T11:00:00Z",
		"0.1.2: platform: offers no linux/arm64",
		"0.1.1: taken",
		"0.1.1-linux-amd64: another platform's: is for linux/amd64 only",
		"0.1.0: older",
		"0: floating",
		"0.1: floating",
		"latest: floating",
		"nightly: not a version",
		"sha256-abc.sig: not a version",
		"v: not a version",
		"v0: floating",
	})
	if e.Taken != "0.1.1" || e.Kept || e.Next != "0.2.0" || e.NextConstraint != "^0.2" || e.Wants != "^0.1" || e.Problem != nil {
		t.Errorf("got %+v", e)
	}
	if n := r.count("manifest " + official + "/postgres:0.3.0"); n != 0 {
		t.Error("a release was read that its tag decides about")
	}
	if n := r.count("tags " + official + "/postgres"); n != 1 {
		t.Errorf("%d lists of tags", n)
	}
}

func TestLadderOfLocked(t *testing.T) {
	r, l := start(t)
	r.repo(official+"/postgres").index("0.1.3", requires("mysql", "^2"))
	e := r.explain(two, "postgres", Options{Locked: l})
	check(t, "rulings", texts(e.Tags), []string{
		"0.2.0: constraint: is not admitted by ^0.1",
		"0.1.3: conflict: requires mysql ^2, and 1.0.0 is taken",
		"0.1.2: locked: is acceptable, but 0.1.1 is locked",
		"0.1.1: taken: is locked",
		"0.1.0: older",
	})
	if !e.Kept || e.Next != "0.2.0" || e.NextConstraint != "^0.2" {
		t.Errorf("got %+v", e)
	}
}

func TestLadderOfTagsLayout(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/postgres")
	repo.platformTags("0.1.0", release{platforms: "linux/amd64 linux/arm64 darwin/arm64"})
	repo.platformTags("0.1.1", release{platforms: "linux/amd64"})
	e := r.explain("platforms = [\"linux/amd64\", \"linux/arm64\"]\n[plugins]\npostgres = \"*\"\n", "postgres", Options{})
	check(t, "rulings", texts(e.Tags), []string{
		"0.1.1-linux-amd64: platform: offers no linux/arm64",
		"0.1.0-darwin-arm64: another platform's: is for darwin/arm64 only",
		"0.1.0-linux-amd64: taken",
		"0.1.0-linux-arm64: taken",
	})
}

func TestLadderOfRequired(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.2.0")
	r.repo(official+"/timescaledb").index("1.0.0", requires("postgres", "^0.1"))
	e := r.explain("[plugins]\ntimescaledb = \"*\"\n", "postgres", Options{})
	check(t, "rulings", texts(e.Tags), []string{"0.2.0: constraint: timescaledb 1.0.0 requires ^0.1", "0.1.0: taken"})
	if len(e.RequiredBy) != 1 || e.RequiredBy[0] != (Requirement{"timescaledb", "1.0.0", "^0.1"}) || e.Wants != "" || e.Next != "" {
		t.Errorf("got %+v", e)
	}
	_, err := Explain(context.Background(), r, Options{Manifest: parse(t, "[plugins]\ntimescaledb = \"*\"\n")}, "oracle")
	if unknown := new(UnknownPluginError); !errors.As(err, &unknown) {
		t.Errorf("got %v", err)
	}
}

func TestLadderOfReference(t *testing.T) {
	r := newRegistries(t)
	r.repo(official+"/edge").index("nightly", release{})
	r.repo(official+"/edge").index("1.0.0", release{})
	e := r.explain("[plugins]\nedge = { tag = \"nightly\" }\n", "edge", Options{})
	check(t, "rulings", texts(e.Tags), []string{"1.0.0: constraint: is not asked for: the manifest wants tag nightly", "nightly: taken"})
	e = r.explain("platforms = [\"darwin/arm64\"]\n[plugins]\nedge = { tag = \"nightly\" }\n", "edge", Options{})
	check(t, "rulings", texts(e.Tags), []string{"1.0.0: constraint: is not asked for: the manifest wants tag nightly", "nightly: platform: offers no darwin/arm64"})
	if !errors.As(e.Problem, new(*PlatformError)) {
		t.Errorf("got %v", e.Problem)
	}
}

// TestLadderOfNothing: that nothing satisfies is what people ask about.
func TestLadderOfNothing(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.2.0", "0.4.0", "0.4.1")
	e := r.explain("[plugins]\npostgres = \"^0.3\"\n", "postgres", Options{})
	if !errors.As(e.Problem, new(*NoVersionError)) || e.Taken != "" || e.Next != "0.4.0" || e.NextConstraint != "^0.4" || len(e.Tags) != 4 {
		t.Errorf("got %+v", e)
	}
	// What is wrong elsewhere does not hide what can be said of this one.
	e = r.explain("[plugins]\npostgres = \"^0.2\"\nmysql = \"*\"\n", "postgres", Options{})
	if !errors.As(e.Problem, new(*NoRepositoryError)) || e.Taken != "0.2.0" {
		t.Errorf("got %+v", e)
	}
	e = r.explain("[plugins]\nmysql = \"*\"\n", "mysql", Options{})
	if !errors.As(e.Problem, new(*NoRepositoryError)) || len(e.Places) != 1 || e.Places[0].Err == nil || e.Places[0].Used {
		t.Errorf("got %+v", e)
	}
}

// TestNameInTwoPlaces is found out only by asking why.
func TestNameInTwoPlaces(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0")
	r.repo("second.test/postgres").index("0.9.0", release{})
	m := "registry = [\"" + official + "\", \"second.test\", \"third.test\"]\n[plugins]\npostgres = \"*\"\n"
	r.lock(m, Options{})
	if r.count("tags ") != 1 {
		t.Errorf("asked %q", r.log)
	}
	e := r.explain(m, "postgres", Options{})
	if len(e.Places) != 3 || !e.Places[0].Used || e.Places[0].Tags != 1 || e.Places[1].Err != nil || e.Places[1].Tags != 1 || e.Places[2].Err == nil {
		t.Errorf("got %+v", e.Places)
	}
}

// What admits a version and the compatible ones after it: below 1.0.0 a minor
// version breaks, below 0.1.0 each.
func TestCaret(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.3": "^1.2", "1.0.3": "^1.0", "0.1.2": "^0.1", "0.0.3": "^0.0.3", "1.0.0-rc.1": "^1.0.0-rc.1", "1.2.3+b1": "^1.2",
	} {
		if got := Caret(semver.MustParse(version)); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}

// TestLadderOfTwoTags: of two tags of one version one is taken.
func TestLadderOfTwoTags(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/postgres")
	repo.tags["v1.0.0"] = repo.index("1.0.0", release{})
	const m = "[plugins]\npostgres = \"*\"\n"
	want := []string{"1.0.0: taken", "v1.0.0: same version: is another tag of 1.0.0"}
	check(t, "rulings", texts(r.explain(m, "postgres", Options{}).Tags), want)
	l := r.lock(m, Options{}).Lock
	l.Plugins[0].Tag = "v1.0.0"
	want = []string{"1.0.0: same version: is another tag of 1.0.0", "v1.0.0: taken: is locked"}
	check(t, "rulings", texts(r.explain(m, "postgres", Options{Locked: l}).Tags), want)
}

// TestLadderOfConflict: who asks why of a required driver when nothing
// satisfies sees its tags and the proof.
func TestLadderOfConflict(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0")
	r.repo(official+"/timescaledb").index("1.0.0", requires("postgres", "^9"))
	e := r.explain("[plugins]\ntimescaledb = \"*\"\n", "postgres", Options{})
	check(t, "rulings", texts(e.Tags), []string{"0.1.0: conflict: conflicts with the other drivers"})
	if !errors.As(e.Problem, new(*ConflictError)) || e.Taken != "" {
		t.Errorf("got %+v", e)
	}
}
