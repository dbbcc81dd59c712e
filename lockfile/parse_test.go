package lockfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// TestBadInput reads every file of testdata/lock: each "# ERROR: text" names
// the beginning of a problem of its line, and there is no other problem.
func TestBadInput(t *testing.T) {
	files, err := filepath.Glob("../testdata/lock/*.toml")
	if err != nil || len(files) < 10 {
		t.Fatalf("files: %q, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for i, line := range strings.Split(string(data), "\n") {
				for _, text := range strings.Split(line, "# ERROR: ")[1:] {
					want = append(want, fmt.Sprintf("%d: %s", i+1, strings.TrimSpace(text)))
				}
			}
			if want == nil {
				t.Fatal("the file says nothing of any error")
			}
			for _, text := range []string{string(data), strings.ReplaceAll(string(data), "\n", "\r\n")} {
				lock, err := lockfile.Parse("X", []byte(text))
				got := problems(err)
				match := lock == nil && len(got) == len(want)
				for i := range got {
					match = match && i < len(want) && strings.HasPrefix(got[i], want[i])
				}
				if !match {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
		})
	}
}

// problems writes an error of Parse as "line: text".
func problems(err error) []string {
	var conflict *lockfile.ConflictError
	var bad *diag.Error
	switch {
	case errors.As(err, &conflict):
		_, text, _ := strings.Cut(err.Error(), ":1: ")
		return []string{fmt.Sprintf("%d: %s", conflict.Line, text)}
	case errors.As(err, &bad):
		var out []string
		for _, p := range bad.Problems {
			out = append(out, fmt.Sprintf("%d: %s", p.Line, p.Text))
		}
		return out
	}
	return []string{fmt.Sprint(err)}
}

func TestVersionError(t *testing.T) {
	for _, c := range []struct {
		text, want string
		version    int64
	}{
		{"version = 99\n", "X:1:11: version: 99 is unknown: written by a newer version", 99},
		{"version = 1\nlater = true\n", "X:2:1: later: unknown key: written by a newer version", 1},
	} {
		_, err := lockfile.Parse("X", []byte(c.text))
		var newer *lockfile.VersionError
		if !errors.As(err, &newer) || newer.Version != c.version || newer.File != "X" || err.Error() != c.want {
			t.Errorf("%q: %v", c.text, err)
		}
		var bad *diag.Error
		if !errors.As(err, &bad) || bad.Snippet(bad.Problems[0]) == "" {
			t.Errorf("%q: %v cannot be shown with its line", c.text, err)
		}
	}
	_, err := lockfile.Parse("X", []byte("version = 0\n"))
	var newer *lockfile.VersionError
	if err == nil || errors.As(err, &newer) {
		t.Errorf("version 0 was written by no newer version: %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	data := append([]byte("version = 1\n#"), make([]byte, lockfile.MaxSize)...)
	for i := 13; i < len(data); i++ {
		data[i] = ' '
	}
	var large *lockfile.SizeError
	for what, f := range map[string]func() error{
		"Parse":         func() error { _, err := lockfile.Parse("X", data); return err },
		"MergeConflict": func() error { _, err := lockfile.MergeConflict("X", data); return err },
		"Load": func() error {
			file := filepath.Join(t.TempDir(), "X")
			if err := os.WriteFile(file, data, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := lockfile.Load(file)
			return err
		},
	} {
		if err := f(); !errors.As(err, &large) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := lockfile.Parse("X", data[:lockfile.MaxSize]); err != nil {
		t.Errorf("a lock of the largest size: %v", err)
	}
}

// Whatever single line goes missing, the lock is valid without it or refused
// with a place; nothing is made up for it.
func TestEachLineRemoved(t *testing.T) {
	lines := strings.SplitAfter(string(sample().Encode()), "\n")
	optional := []string{"# ", "\n", "aliases", "version = \"", "requires", "signature", "executable", "tag", "digest"}
	for i, line := range lines {
		text := strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "")
		lock, err := lockfile.Parse("X", []byte(text))
		if slices.ContainsFunc(optional, func(s string) bool { return strings.HasPrefix(line, s) }) || line == "" {
			continue
		}
		if err == nil {
			t.Errorf("without line %d, %q: %+v", i+1, line, lock)
			continue
		}
		for _, p := range problems(err) {
			if strings.HasPrefix(p, "0:") {
				t.Errorf("without line %d, %q: no place: %s", i+1, line, p)
			}
		}
	}
}

func TestOtherSpellings(t *testing.T) {
	want := sample().Encode()
	text := string(want)
	for name, other := range map[string]string{
		"CRLF":                strings.ReplaceAll(text, "\n", "\r\n"),
		"a byte order mark":   "\ufeff" + text,
		"no last line end":    strings.TrimSuffix(text, "\n"),
		"literal strings":     strings.ReplaceAll(text, `"0.1.2"`, `'0.1.2'`),
		"more white space":    strings.ReplaceAll(text, " = ", "   =   "),
		"a comment":           strings.ReplaceAll(text, "size", "# why\nsize"),
		"no comment":          strings.TrimPrefix(text, "# "),
		"a table by header":   strings.Replace(text, `requires = { other = "^1", schemahero = ">=0.24" }`, "requires.schemahero = \">=0.24\"\nrequires.other = \"^1\"", 1),
		"another order":       strings.Replace(text, "size = 16856735\nfile = \"schemahero-postgres-linux-amd64.tar.gz\"", "file = \"schemahero-postgres-linux-amd64.tar.gz\"\nsize = 16_856_735", 1),
		"a variant by name":   strings.Replace(text, `"linux/arm64"`, `"linux/arm64/v8"`, 1),
		"plugins in disorder": reversed(text),
	} {
		if name == "no comment" {
			_, other, _ = strings.Cut(text, "\n")
		}
		if other == text {
			t.Errorf("%s: the text is the same", name)
		}
		lock, err := lockfile.Parse("X", []byte(other))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := lock.Encode(); string(got) != text {
			t.Errorf("%s: written back as\n%s", name, got)
		}
	}
}

// reversed puts the plugins of a lock in the opposite order.
func reversed(text string) string {
	parts := strings.Split(text, "\n[[plugin]]\n")
	slices.Reverse(parts[1:])
	return strings.Join(parts, "\n[[plugin]]\n")
}

func FuzzParse(f *testing.F) {
	f.Add(sample().Encode())
	f.Add([]byte("version = 1\n[[plugin]]\nname = \"a\"\n<<<<<<< x\n"))
	files, err := filepath.Glob("../testdata/lock/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := lockfile.Parse("X", data)
		if err != nil {
			if bad, ok := errors.AsType[*diag.Error](err); ok {
				for _, p := range bad.Problems {
					bad.Snippet(p)
					if p.Line < 1 || p.Column < 1 || p.Text == "" {
						t.Errorf("problem without a place: %+v", p)
					}
				}
			}
			return
		}
		text := lock.Encode()
		again, err := lockfile.Parse("X", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !reflect.DeepEqual(lock, again) || string(again.Encode()) != string(text) {
			t.Fatalf("%+v\nis read back as\n%+v\nfrom\n%s", lock, again, text)
		}
	})
}
