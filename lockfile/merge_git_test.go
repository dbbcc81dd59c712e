package lockfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// TestMergeOfGit has git itself write conflicts between random locks, so that
// hunks begin and end where git has them.
func TestMergeOfGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("Wine: there is no git")
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	change := func(words []string) []string {
		var out []string
		for _, name := range strings.Split("abcdefgh", "") {
			at := slices.IndexFunc(words, func(w string) bool { return w[:1] == name })
			switch n := random.IntN(8); {
			case at < 0 && n == 0:
				out = append(out, name)
			case at < 0 && n == 1:
				out = append(out, name+"2")
			case at >= 0 && n == 2: // removed
			case at >= 0 && n == 3:
				out = append(out, fmt.Sprint(name, 2+random.IntN(3)))
			case at >= 0:
				out = append(out, words[at])
			}
		}
		return out
	}
	conflicts, kept, needless := 0, 0, 0
	for range 60 {
		base := change(strings.Split("a b c e f", " "))
		ours, theirs := change(base), change(base)
		var files []string
		for i, words := range [][]string{ours, base, theirs} {
			files = append(files, filepath.Join(dir, fmt.Sprint(i)))
			if err := os.WriteFile(files[i], lockOf(strings.Join(words, " ")).Encode(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		lock := func(words []string) *lockfile.Lock { return lockOf(strings.Join(words, " ")) }
		what := fmt.Sprintf("base %s, ours %s, theirs %s", base, ours, theirs)
		for _, style := range []string{"--diff3", "--zdiff3", "-p"} {
			text, err := exec.Command(git, "merge-file", "-p", style, files[0], files[1], files[2]).Output()
			var exit *exec.ExitError
			if err != nil && (!errors.As(err, &exit) || exit.ExitCode() > 127) {
				t.Fatalf("%s: %v", style, err)
			}
			if bytes.Contains(text, []byte("<<<<<<<")) {
				conflicts++
			}
			m, err := lockfile.MergeConflict("X", text)
			if err != nil {
				t.Errorf("%s: %v\n%s", what, err, text)
				continue
			}
			if style == "--diff3" {
				got, want := wordsOf(m), lockfile.Merge(lock(base), lock(ours), lock(theirs))
				for _, p := range want.Lock.Plugins {
					q, ok := m.Lock.Plugin(p.Name)
					if ok && !p.Equal(q) || !ok && !slices.Contains(m.Conflicts, p.Name) {
						t.Errorf("%s, %s: %q, want %q", what, style, got, wordsOf(want))
					}
				}
				for _, name := range want.Conflicts {
					if !slices.Contains(m.Conflicts, name) {
						t.Errorf("%s, %s: %q, want %q", what, style, got, wordsOf(want))
					}
				}
				kept, needless = kept+len(m.Lock.Plugins), needless+len(m.Conflicts)-len(want.Conflicts)
			}
			for _, p := range m.Lock.Plugins { // nothing is made of two
				mine, _ := lock(ours).Plugin(p.Name)
				other, _ := lock(theirs).Plugin(p.Name)
				if !(mine != nil && p.Equal(mine)) && !(other != nil && p.Equal(other)) {
					t.Errorf("%s: %s is on neither side:\n%+v", what, p.Name, p)
				}
			}
		}
	}
	t.Logf("%d plugins kept, %d to be resolved again without need", kept, needless)
	if conflicts < 60 {
		t.Errorf("only %d conflicts were tried", conflicts)
	}
}

func FuzzMerge(f *testing.F) {
	text := string(lockOf("a b").Encode())
	f.Add([]byte(text))
	f.Add([]byte(conflicted("<", text, "|", string(lockOf("a").Encode()), "=", string(lockOf("a2 c=x").Encode()), ">")))
	f.Add([]byte(conflicted("version = 1\n", "<", "[[plugin]]\n", "=", ">")))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := lockfile.MergeConflict("X", data)
		if err != nil {
			if bad, ok := errors.AsType[*diag.Error](err); ok {
				for _, p := range bad.Problems {
					bad.Snippet(p)
					if p.Line < 1 || p.Column < 1 || p.Text == "" {
						t.Errorf("problem without a place: %+v", p)
					}
				}
				if len(bad.Problems) == 0 {
					t.Error("an error without problems")
				}
			}
			return
		}
		if _, err := lockfile.Parse("X", m.Lock.Encode()); err != nil {
			t.Fatalf("the merged lock: %v", err)
		}
		for _, name := range m.Conflicts {
			if _, ok := m.Lock.Plugin(name); ok {
				t.Errorf("%s conflicts and is locked", name)
			}
		}
	})
}
