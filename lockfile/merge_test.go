package lockfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// lockOf makes a lock from words: "a" is plugin a as it was, "a2" another
// version of it, "a=b" plugin a with alias b.
func lockOf(words string) *lockfile.Lock {
	lock := &lockfile.Lock{}
	for _, w := range strings.Fields(words) {
		name, alias, _ := strings.Cut(w, "=")
		version := "0.1.1"
		if n := len(name) - 1; name[n] >= '0' && name[n] <= '9' {
			name, version = name[:n], "0.1."+name[n:]
		}
		p := entry(name, version, name+version)
		if alias != "" {
			p.Aliases = []string{alias}
		}
		lock.Plugins = append(lock.Plugins, p)
	}
	return lock
}

// wordsOf is the reverse of lockOf, with conflicts behind a bar.
func wordsOf(m *lockfile.Merged) string {
	var words []string
	for _, p := range m.Lock.Plugins {
		w := p.Name
		if p.Version != "0.1.1" {
			w += strings.TrimPrefix(p.Version, "0.1.")
		}
		if len(p.Aliases) > 0 {
			w += "=" + p.Aliases[0]
		}
		words = append(words, w)
	}
	out := strings.Join(words, " ")
	if len(m.Conflicts) > 0 {
		out += " | " + strings.Join(m.Conflicts, " ")
	}
	return strings.TrimSpace(out)
}

func TestMerge(t *testing.T) {
	for _, c := range []struct{ name, base, ours, theirs, with, without string }{
		{"nothing changed", "a b", "a b", "a b", "a b", "a b"},
		{"each added one", "a", "a b", "a c", "a b c", "a b c"},
		{"both added the same", "a", "a b", "a b", "a b", "a b"},
		{"both added one in two versions", "a", "a b", "a b2", "a | b", "a | b"},
		{"one upgraded", "a b", "a2 b", "a b", "a2 b", "b | a"},
		{"each upgraded one", "a b", "a2 b", "a b2", "a2 b2", "| a b"},
		{"both upgraded alike", "a", "a2", "a2", "a2", "a2"},
		{"both upgraded", "a b", "a2 b", "a3 b", "b | a", "b | a"},
		{"ours removed one", "a b", "a", "a b", "a", "a b"},
		{"theirs removed one", "a b", "a b", "a", "a", "a b"},
		{"both removed one", "a b", "a", "a", "a", "a"},
		{"removed and upgraded", "a b", "a", "a b2", "a | b", "a b2"},
		{"each removed another", "a b c", "a b", "a c", "a", "a b c"},
		{"an alias changed", "a", "a=x", "a", "a=x", "| a"},
		{"two aliases of one name", "", "a=x", "b=x", "| a b", "| a b"},
		{"an alias that the other added as a plugin", "a", "a=x", "a x", "| a x", "| a"},
		{"everything at once", "a b c d", "a2 b d e", "a c2 d2 f", "a2 d2 e f | c", "b c2 e f | a d"},
		{"all gone", "a", "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "an alias that the other added as a plugin" { // without base a differs too
				c.without = "x | a"
			}
			base, ours, theirs := lockOf(c.base), lockOf(c.ours), lockOf(c.theirs)
			for _, sides := range [][2]*lockfile.Lock{{ours, theirs}, {theirs, ours}} {
				if got := wordsOf(lockfile.Merge(base, sides[0], sides[1])); got != c.with {
					t.Errorf("with the base: %q, want %q", got, c.with)
				}
				if got := wordsOf(lockfile.Merge(nil, sides[0], sides[1])); got != c.without {
					t.Errorf("without it: %q, want %q", got, c.without)
				}
			}
		})
	}
}

func TestMergeSharesNothing(t *testing.T) {
	ours := lockOf("a=x")
	m := lockfile.Merge(nil, ours, nil)
	m.Lock.Plugins[0].Aliases[0] = "y"
	if ours.Plugins[0].Aliases[0] != "x" {
		t.Error("the merged lock shares memory with ours")
	}
}

// conflicted writes texts as git does: "<", "|", "=" and ">" are marker lines.
func conflicted(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		switch p {
		case "<":
			p = "<<<<<<< HEAD\n"
		case "|":
			p = "||||||| 0a1b2c3\n"
		case "=":
			p = "=======\n"
		case ">":
			p = ">>>>>>> theirs\n"
		}
		b.WriteString(p)
	}
	return b.String()
}

// jj writes texts as jj does: "<", "%", "+", "-" and ">" are marker lines.
func jj(parts ...string) string {
	marks := map[string]string{
		"<": "<<<<<<< Conflict 1 of 1\n", "%": "%%%%%%% Changes from base to side #1\n", "+": "+++++++ Contents of side #2\n",
		"-": "------- Contents of base\n", ">": ">>>>>>> Conflict 1 of 1 ends\n",
	}
	for i, p := range parts {
		if m, ok := marks[p]; ok {
			parts[i] = m
		}
	}
	return strings.Join(parts, "")
}

// diffed puts a sign before each line.
func diffed(sign, text string) string {
	return strings.TrimSuffix(sign+strings.ReplaceAll(text, "\n", "\n"+sign), sign)
}

// longer gives each marker line four characters more.
func longer(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if m, _ := diag.MarkerOf([]byte(line)); m != diag.NoMarker {
			lines[i] = strings.Repeat(line[:1], 4) + line
		}
	}
	return strings.Join(lines, "")
}

func TestMergeConflict(t *testing.T) {
	text := func(words string) string { return string(lockOf(words).Encode()) }
	tail := func(of, words string) string { return strings.TrimPrefix(text(words), text(of)) }
	cut := func(words, at string) (before, after string) {
		before, after, ok := strings.Cut(text(words), at)
		if !ok {
			t.Fatalf("no %q in %s", at, words)
		}
		return before, after
	}
	b1, b1rest := cut("a b", `name = "b"`)
	_, c1rest := cut("a c", `name = "c"`)
	for _, c := range []struct{ name, text, want string }{
		{"no markers", text("a b"), "a b"},
		{"each added one", conflicted(text("a"), "<", tail("a", "a b"), "=", tail("a", "a c"), ">"), "a b c"},
		{"each added one, with base", conflicted(text("a"), "<", tail("a", "a b"), "|", "=", tail("a", "a c"), ">"), "a b c"},
		{"cut within an entry", conflicted(b1, "<", `name = "b"`+b1rest, "=", `name = "c"`+c1rest, ">"), "a b c"},
		{"twice on one side, alike", conflicted(text("a"), "<", tail("a", "a b"), tail("a", "a b"), "=", tail("a", "a c"), ">"), "a b c"},
		{"twice on one side, and not alike", conflicted(text("a"), "<", tail("a", "a b"), tail("a", "a b2"), "=", tail("a", "a c"), ">"), "a c | b"},
		{"one upgraded, no base", conflicted(text(""), "<", tail("", "a"), "=", tail("", "a2"), ">"), "| a"},
		{"both upgraded, with base", conflicted(text(""), "<", tail("", "a2"), "|", tail("", "a"), "=", tail("", "a3"), ">"), "| a"},
		{"removed and unchanged, with base", conflicted(text(""), "<", tail("", "b"), "|", tail("", "a b"), "=", tail("", "a b"), ">"), "b"},
		{"removed and upgraded, with base", conflicted(text(""), "<", tail("", "b"), "|", tail("", "a b"), "=", tail("", "a2 b"), ">"), "b | a"},
		{"removed, no base", conflicted(text("b"), "<", "=", tail("b", "b c"), ">"), "b c"},
		{"several conflicts", conflicted(text(""), "<", tail("", "a"), "=", tail("", "b"), ">", tail("", "c"), "<", tail("", "d"), "=", tail("", "e"), ">"), "a b c d e"},
		{"a base in one conflict of two does not count", conflicted(text(""), "<", "|", tail("", "a"), "=", tail("", "a"), ">", tail("", "c"), "<", tail("", "d"), "=", tail("", "e"), ">"), "a c d e"},
		{"a base that is not a lock does not count", conflicted(text(""), "<", tail("", "b"), "|", "<<<<<<<<< nested\n", tail("", "a b"), "=", tail("", "a b"), ">"), "a b"},
		{"markers without labels", conflicted(text(""), "<<<<<<<\n", tail("", "a"), "=", tail("", "b"), ">>>>>>>\n"), "a b"},
		{"the whole file", conflicted("<", text("a"), "=", text("b"), ">"), "a b"},
		{"longer markers", longer(conflicted(text(""), "<", tail("", "b"), "|", tail("", "a b"), "=", tail("", "a b"), ">")), "b"},
		{"a base that was merged itself", conflicted(text(""), "<", tail("", "b"), "|", longer(conflicted("<", tail("", "a"), "|", "=", tail("", "c"), ">")), "=", tail("", "a b"), ">"), "a b"},
		{"jj, a diff and a side", jj(text("a"), "<", "%", diffed("+", tail("a", "a b")), "+", tail("a", "a c"), ">"), "a b c"},
		{"jj, the diff second", jj(text(""), "<", "+", tail("", "b"), "%", diffed("-", tail("", "a")), diffed(" ", tail("", "b")), ">"), "b"},
		{"jj, a diff with two titles", jj(text(""), "<", "%", "\\\\\\\\\\\\\\        to: other\n", diffed(" ", tail("", "a b")), "+", tail("", "b"), ">"), "b"},
		{"jj, a diff without its blanks", jj(text(""), "<", "%", strings.ReplaceAll(diffed(" ", tail("", "a b")), " \n", "\n"), "+", tail("", "b"), ">"), "b"},
		{"jj, snapshots", jj(text(""), "<", "+", tail("", "b"), "-", tail("", "a b"), "+", tail("", "a b c"), ">"), "b c"},
		{"jj, snapshots with the base first", jj(text(""), "<", "-", tail("", "a b"), "+", tail("", "b"), "+", tail("", "a2 b"), ">"), "b | a"},
		{"jj, longer markers", longer(jj(text("a"), "<", "%", diffed("+", tail("a", "a b")), "+", tail("a", "a c"), ">")), "a b c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, text := range []string{c.text, strings.ReplaceAll(c.text, "\n", "\r\n")} {
				m, err := lockfile.MergeConflict("X", []byte(text))
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				if got := wordsOf(m); got != c.want {
					t.Errorf("got %q, want %q from\n%s", got, c.want, text)
				}
				_, err = lockfile.Parse("X", []byte(text))
				var conflict *lockfile.ConflictError
				if errors.As(err, &conflict) != strings.Contains(text, "<<<<<<<") {
					t.Errorf("Parse: %v", err)
				}
			}
		})
	}
}

// What stood on our side is told with those of which git mixed the sides.
func TestMergeConflictOurs(t *testing.T) {
	before, rest, _ := strings.Cut(string(lockOf("a b").Encode()), "name = \"b\"\n")
	m, err := lockfile.MergeConflict("X", []byte(conflicted(before, "<", "name = \"b\"\n", "=", "name = \"c\"\n", ">", rest)))
	if err != nil {
		t.Fatal(err)
	}
	if got, ours := wordsOf(m), wordsOf(&lockfile.Merged{Lock: m.Ours}); got != "a | b c" || ours != "a b" {
		t.Errorf("got %q, ours %q", got, ours)
	}
}

func TestMergeConflictRefused(t *testing.T) {
	const version = "version = 1\n"
	for _, c := range []struct{ name, text, want string }{
		{"not closed", conflicted(version, "<", "=", version), "X:2:1: conflict without its >>>>>>> line"},
		{"no middle", conflicted(version, "<", ">"), "X:3:1: conflict marker out of order"},
		{"end alone", conflicted(version, ">"), "X:2:1: conflict marker out of order"},
		{"middle alone", conflicted(version, "="), "X:2:1: conflict marker out of order"},
		{"one in another", conflicted("<", version, "<", "=", ">"), "X:3:1: conflict marker out of order"},
		{"base twice", conflicted("<", "|", "|", "=", version, ">"), "X:3:1: conflict marker out of order"},
		{"git's middle in jj's", jj("<", "+", version, "=======\n", version, ">"), "X:4:1: conflict marker out of order"},
		{"jj's in git's", conflicted("<", version, "+++++++\n", version, ">"), "X:3:1: conflict marker out of order"},
		{"of another length", conflicted("<", version, "========\n", version, ">"), "X:3:1: conflict marker out of order\nX:5:1: conflict marker out of order"},
		{"three sides", jj("<", "%", diffed(" ", version), "+", version, "%", diffed("+", version), ">"), "X:8:1: sides of the conflict: 3, and only two can be merged"},
		{"one side", jj("<", "+", version, ">"), "X:4:1: sides of the conflict: 1, and only two can be merged"},
		{"no diff", jj("<", "%", version, "+", version, ">"), "X:3:1: not a line of a diff"},
		{"a side that is not a lock", conflicted(version, "[[plugin]]\n", "<", "name = \"../a\"\n", "=", "name = \"b\"\n", ">"),
			"X:2:3: plugin: platform is missing\nX:2:3: plugin: repository is missing\nX:2:3: plugin: has neither version nor tag nor digest\nX:4:8: name: \"../a\": " +
				"a driver's name has only a-z, 0-9 and -, and begins with a letter or digit"},
		{"the other side", conflicted("<", version, "=", ">"), "X:1:1: version is missing"},
		{"both sides", conflicted("<", "version = 7\n", "=", "version = 8\n", ">"),
			"X:2:11: version: 7 is unknown: written by a newer version\nX:4:11: version: 8 is unknown: written by a newer version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := lockfile.MergeConflict("X", []byte(c.text))
			var bad *diag.Error
			if !errors.As(err, &bad) || m != nil {
				t.Fatalf("%v, %v", m, err)
			}
			got, want := strings.Split(err.Error(), "\n"), strings.Split(c.want, "\n")
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", err, c.want)
			}
			if bad.Snippet(bad.Problems[0]) == "" && strings.Count(c.text, "\n") >= bad.Problems[0].Line {
				t.Errorf("%v: no line to show", err)
			}
		})
	}
}

func TestMergeFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	base, ours, theirs := file("base", string(lockOf("a b").Encode())), file("ours", string(lockOf("a").Encode())), file("theirs", string(lockOf("a b c").Encode()))
	for _, c := range []struct{ base, want string }{
		{base, "a c"},
		{file("empty", ""), "a b c"},
		{file("merged", conflicted("<", "=", ">")), "a b c"},
	} {
		m, err := lockfile.MergeFiles(c.base, ours, theirs)
		if err != nil || wordsOf(m) != c.want {
			t.Errorf("%s: %v, %v", c.base, m, err)
		}
	}
	var bad *diag.Error
	if m, err := lockfile.MergeFiles(base, ours, file("bad", "version = 1\nversion = 2\n")); !errors.As(err, &bad) {
		t.Errorf("%v, %v", m, err)
	}
	absent := filepath.Join(dir, "absent")
	for _, files := range [][3]string{{absent, ours, theirs}, {base, absent, theirs}, {base, ours, absent}} {
		if m, err := lockfile.MergeFiles(files[0], files[1], files[2]); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: %v, %v", files, m, err)
		}
	}
}
