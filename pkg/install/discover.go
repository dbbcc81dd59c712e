package install

import (
	"os"
	"path/filepath"
	"slices"
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

// Searched tells whether the host looks in the folder of path, by whatever links
// that is reached.
func Searched(path string, dirs []string) bool {
	c := canon{}
	at := c.path(path)
	return slices.ContainsFunc(dirs, func(dir string) bool { return c.path(filepath.Join(dir, filepath.Base(path))) == at })
}

// Found is a file that bears a driver's name in a folder of the search path.
type Found struct {
	Path    string
	Problem string // why the host cannot start it: "is not executable"; "" where it can
}

// Discover returns the files that the host finds for a driver in dirs, in its
// order; links are followed. file is the executable's name,
// artifact.Platform.Executable. The host takes the first that is no folder,
// even where it then cannot start it; the others are shadowed.
func Discover(file string, dirs []string) []Found {
	var found []Found
	seen := map[string]bool{}
	c := canon{}
	for _, dir := range dirs {
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
		}
		found = append(found, f)
	}
	return found
}

// Shadow returns the file that the host takes instead of the one at path:
// false where it takes that, by whatever name, or finds none at all.
func Shadow(found []Found, path string) (Found, bool) {
	if len(found) == 0 {
		return Found{}, false
	}
	first, err := os.Stat(found[0].Path)
	own, ownErr := os.Stat(path)
	if err == nil && ownErr == nil && os.SameFile(first, own) {
		return Found{}, false
	}
	return found[0], true
}
