package install

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestSearchPath(t *testing.T) {
	root := filepath.VolumeName(t.TempDir()) + string(filepath.Separator)
	at := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	got := SearchPath(at("proj"), at("home", "me"), strings.Join([]string{at("x"), "bin", "", " y "}, string(filepath.ListSeparator)))
	want := []string{
		at("proj"), at("proj", "plugins", "bin"), at("home", "me", ".schemahero", "plugins"),
		"/usr/local/lib/schemahero/plugins", "/var/lib/schemahero/plugins",
		at("x"), at("proj", "bin"), at("proj", " y "),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := SearchPath(at("proj"), "", ""); len(got) != 4 {
		t.Errorf("without a home: %q", got)
	}
}

func TestDiscover(t *testing.T) {
	root := t.TempDir()
	at := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	const file = "schemahero-postgres"
	write(t, at("2", file), "second")
	write(t, at("3", file), "third")
	write(t, at("5", file), "not executable")
	os.Chmod(at("5", file), 0o644)
	os.MkdirAll(at("1", file), 0o755) // a folder is passed over
	os.MkdirAll(at("4"), 0o755)
	os.Symlink(at("2", file), at("4", file))
	os.MkdirAll(at("6"), 0o755)
	os.Symlink("/nowhere", at("6", file))
	os.Symlink(at("3"), at("7"))
	for _, c := range []struct {
		title string
		dirs  []string
		found []string
		own   string
		by    string // who shadows own
	}{
		{"nowhere", []string{"0", "1", "6"}, nil, "2", ""},
		{"one", []string{"1", "2"}, []string{"2"}, "2", ""},
		{"two", []string{"2", "3"}, []string{"2", "3"}, "3", "2"},
		{"in the other order", []string{"3", "2"}, []string{"3", "2"}, "3", ""},
		{"a link to it", []string{"4", "2"}, []string{"4", "2"}, "2", ""},
		{"a link to another", []string{"4", "3"}, []string{"4", "3"}, "3", "4"},
		{"what cannot be started shadows too", []string{"5", "2"}, []string{"5!", "2"}, "2", "5"},
		{"one folder twice", []string{"3", "7", "3"}, []string{"3"}, "3", ""},
		{"outside of the path", []string{"2"}, []string{"2"}, "3", "2"},
		{"missing itself", []string{"2"}, []string{"2"}, "0", "2"},
	} {
		t.Run(c.title, func(t *testing.T) {
			var dirs, got []string
			for _, d := range c.dirs {
				dirs = append(dirs, at(d))
			}
			dirs = append([]string{at("cwd")}, dirs...)
			found := Discover(file, dirs)
			for _, f := range found {
				name := filepath.Base(filepath.Dir(f.Path))
				if f.Problem != "" {
					name += "!"
				}
				got = append(got, name)
			}
			if !slices.Equal(got, c.found) {
				t.Errorf("found %q, want %q", got, c.found)
			}
			by, shadowed := Shadow(Item{Name: "postgres", Path: at(c.own, file), Layer: Layer{Platform: artifact.Platform{OS: "linux", Arch: "amd64"}}}, dirs)
			if shadowed != (c.by != "") || shadowed && by.Path != at(c.by, file) {
				t.Errorf("shadowed by %+v, want %q", by, c.by)
			}
		})
	}
}

// What the host finds in its working directory it does not start: it goes on to
// the user's home, and to nowhere else.
func TestLoaded(t *testing.T) {
	root := t.TempDir()
	home := filepath.Join(root, "home")
	dirs := SearchPath(filepath.Join(root, "cwd"), home, filepath.Join(root, "own"))
	const file = "schemahero-postgres"
	own, below, last := filepath.Join(home, ".schemahero", "plugins", file), filepath.Join(dirs[1], file), filepath.Join(root, "own", file)
	loaded := func() string {
		f, ok := Loaded(Discover(file, dirs), home)
		if ok != (f.Path != "") {
			t.Errorf("%+v, %v", f, ok)
		}
		return f.Path
	}
	write(t, last, "x")
	if got := loaded(); got != last {
		t.Errorf("the only one: %q", got)
	}
	write(t, below, "x")
	write(t, own, "x")
	if got := loaded(); got != below {
		t.Errorf("the first: %q", got)
	}
	write(t, filepath.Join(dirs[0], file), "x")
	if got := loaded(); got != own {
		t.Errorf("behind one in the working directory: %q", got)
	}
	if got, ok := Loaded(Discover(file, dirs), ""); ok {
		t.Errorf("without a home: %v", got)
	}
	os.Remove(own)
	if got := loaded(); got != "" {
		t.Errorf("none in the home: %q", got)
	}
}
