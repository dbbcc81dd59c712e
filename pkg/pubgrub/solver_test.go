package pubgrub

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what came out to testdata/solver")

// TestUniverses solves every universe of testdata/solver and holds what comes
// of it against what stands behind it.
func TestUniverses(t *testing.T) {
	files, err := filepath.Glob("../../testdata/solver/*.txt")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d universes found, at least 25 expected (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			u, err := parseUniverse(data)
			if err != nil {
				t.Fatal(err)
			}
			text, want := string(data), ""
			if at := strings.Index(text, "\n="); at >= 0 {
				text, want = text[:at+1], text[at+1:]
			}
			got := u.outcome(strings.Contains(want, "= asked\n"))
			if *update {
				if err := os.WriteFile(file, []byte(text+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			again, err := parseUniverse(data)
			if err != nil {
				t.Fatal(err)
			}
			if twice := again.outcome(strings.Contains(want, "= asked\n")); twice != got {
				t.Errorf("a second run differs:\n%s", twice)
			}
		})
	}
}

// broken is a Source that fails if it is told to.
type broken struct {
	*universe
	versions, release error
}

func (b broken) Versions(ctx context.Context, pkg string) (Listing, error) {
	if b.versions != nil && pkg == "bar" {
		return Listing{}, b.versions
	}
	return b.universe.Versions(ctx, pkg)
}

func (b broken) Release(ctx context.Context, pkg, version string) (Release, error) {
	if b.release != nil && pkg == "bar" {
		return Release{}, b.release
	}
	return b.universe.Release(ctx, pkg, version)
}

func TestSourceErrors(t *testing.T) {
	wrong := errors.New("registry away")
	for name, source := range map[string]broken{
		"versions": {versions: wrong},
		"release":  {release: wrong},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := parseUniverse([]byte("root: foo\nfoo 1.0.0: bar\nbar 1.0.0\n"))
			if err != nil {
				t.Fatal(err)
			}
			source.universe = u
			if _, err := Solve(context.Background(), source, Root{Depends: u.root}); !errors.Is(err, wrong) {
				t.Errorf("got %v, want the source's error", err)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	u, err := parseUniverse([]byte("root: foo\nfoo 1.0.0\n"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Solve(ctx, u, Root{Depends: u.root}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(u.asked) != 0 {
		t.Errorf("asked for %v", u.asked)
	}
}

func TestFailurePackages(t *testing.T) {
	u, err := parseUniverse([]byte("root: foo, bar ^1, other\nfoo 1.0.0: bar ^2\nbar 1.0.0\nbar 2.0.0\nother 1.0.0\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = u.solve()
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %v", err)
	}
	if got := f.Packages(); !slices.Equal(got, []string{"bar", "foo"}) {
		t.Errorf("got %v", got)
	}
}

// FuzzUniverse solves whatever parses as a universe: a solution must be one,
// and a failure must be told and have no way out.
func FuzzUniverse(f *testing.F) {
	files, _ := filepath.Glob("../../testdata/solver/*.txt")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 2000 || bytes.Contains(data, []byte("repeat")) {
			t.Skip()
		}
		u, err := parseUniverse(data)
		if err != nil {
			t.Skip()
		}
		solution, err := u.solve()
		var failure *Failure
		switch {
		case err == nil:
			if problem := u.check(solution); problem != "" {
				t.Fatalf("%v: %s", solution, problem)
			}
		case !errors.As(err, &failure):
			t.Fatal(err)
		case !strings.HasPrefix(failure.Proof(), "Because "):
			t.Fatalf("proof: %s", failure.Proof())
		default:
			if problem := unsound(failure); problem != "" {
				t.Fatal(problem)
			}
			if found, _ := u.search(20000); found != nil {
				t.Fatalf("%v is a solution, but: %s", found, failure.Proof())
			}
		}
	})
}
