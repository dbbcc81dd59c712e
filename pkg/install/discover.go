package install

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// SearchPath returns the folders in which the host looks for drivers, the
// first wins: cwd, cwd/plugins/bin, userHome/.schemahero/plugins, the two of
// the system, and those of list, the value of SCHEMAHERO_PLUGIN_PATH. cwd is
// absolute; userHome may be "". Source: DiscoverPlugins in
// pkg/database/plugin/manager.go of SchemaHero v0.24.
func SearchPath(cwd, userHome, list string) []string {
	dirs := []string{cwd, filepath.Join(cwd, "plugins", "bin")}
	if userHome != "" {
		dirs = append(dirs, filepath.Join(userHome, ".schemahero", "plugins"))
	}
	dirs = append(dirs, "/usr/local/lib/schemahero/plugins", "/var/lib/schemahero/plugins")
	for _, dir := range filepath.SplitList(list) {
		if dir == "" {
			continue
		}
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(cwd, dir)
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// Searched reports whether the host looks in the folder of path, by whatever links
// that is reached.
func Searched(path string, dirs []string) bool {
	c := canon{}
	at := c.path(path)
	return slices.ContainsFunc(dirs, func(dir string) bool { return c.path(filepath.Join(dir, filepath.Base(path))) == at })
}

// Found is a file with a driver's name in a folder of the search path.
type Found struct {
	Path    string
	Problem string // why the host does not start it: "is not executable"; "" if it does
}

// Discover returns the files that the host finds for a driver in dirs, in its
// order; links are followed. file is the executable's name,
// artifact.Platform.Executable. The host takes the first that is not a directory,
// even if it then cannot start it; the others are shadowed. What lies in the
// first of dirs, its working directory, it never starts: it asks for the bare
// name, which is looked up on PATH.
func Discover(file string, dirs []string) []Found {
	var found []Found
	seen := map[string]bool{}
	c := canon{}
	for i, dir := range dirs {
		path := filepath.Join(dir, file)
		info, err := os.Stat(path)
		if err != nil || info.IsDir() || seen[c.path(path)] {
			continue
		}
		seen[c.path(path)] = true
		f := Found{Path: path}
		switch {
		case !info.Mode().IsRegular():
			f.Problem = "is not a regular file"
		case executableBits && info.Mode()&0o111 == 0:
			f.Problem = "is not executable"
		case i == 0:
			f.Problem = "is not started from the working directory"
		}
		found = append(found, f)
	}
	return found
}

// Loaded returns which of the found files the host loads: the first, or if it
// does not start that, the one in the user's home; false if it downloads one.
// Source: GetDefaultPlugin in pkg/database/plugin/manager.go of SchemaHero v0.24.
func Loaded(found []Found, userHome string) (Found, bool) {
	if len(found) > 0 && found[0].Problem == "" {
		return found[0], true
	}
	home := filepath.Join(userHome, ".schemahero", "plugins")
	for _, f := range found {
		if userHome != "" && filepath.Dir(f.Path) == home && f.Problem == "" {
			return f, true
		}
	}
	return Found{}, false
}

// Shadow returns the file that the host finds before an item: false if it
// takes that, by whatever name, or finds none at all.
func Shadow(it Item, dirs []string) (Found, bool) {
	found := Discover(it.Layer.Platform.Executable(it.Name), dirs)
	if len(found) == 0 {
		return Found{}, false
	}
	// Two installed files may be hard links to one in the store, so that the folders
	// must be the same too.
	first, err := filepath.EvalSymlinks(found[0].Path)
	own, ownErr := filepath.EvalSymlinks(it.Path)
	if err == nil && ownErr == nil && disk.SameFile(first, own) && disk.SameFile(filepath.Dir(first), filepath.Dir(own)) {
		return Found{}, false
	}
	return found[0], true
}
