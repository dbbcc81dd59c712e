package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// linkState tells what is to be done for a link: "created", "replaced" or
// "kept". What link did not make is an error.
func (a *app) linkState(path, target string) (string, error) {
	to, err := os.Readlink(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "created", nil
	case err == nil && to == target:
		return "kept", nil
	case err == nil && a.ownLink(path, to):
		return "replaced", nil
	}
	if _, unseen := os.Lstat(path); unseen != nil {
		return "", linkRefused(unseen)
	}
	what := path + ": is in the way, and was not made by link"
	if err == nil {
		what = fmt.Sprintf("%s: links to %s, and was not made by link", path, to)
	}
	return "", &refused{what, []string{"remove it, or link elsewhere: " + a.displayName() + " link --dir DIR"}}
}

// ownLink tells whether a link was made by link: it leads to this program, or
// to where krew has or had it, or is what an uninstalled one left behind.
func (a *app) ownLink(path, to string) bool {
	if root := a.krewRoot(); root != "" && to == filepath.Join(root, "bin", exe(krewName)) {
		return true
	}
	if self, err := a.invoked(); err == nil && sameFile(self, path) {
		return true
	}
	_, err := os.Stat(path)
	name := strings.TrimSuffix(filepath.Base(to), ".exe")
	return errors.Is(err, fs.ErrNotExist) && (name == krewName || slices.Contains(linkNames(), name))
}

// writeLink makes or replaces a link, in one step.
func writeLink(it linkItem) error {
	switch it.State {
	case "created":
		return os.Symlink(it.Target, it.Path)
	case "replaced":
		fresh := fmt.Sprintf("%s.%d", it.Path, os.Getpid())
		if err := os.Symlink(it.Target, fresh); err != nil {
			return err
		}
		if err := os.Rename(fresh, it.Path); err != nil {
			return errors.Join(err, os.Remove(fresh))
		}
	}
	return nil
}

func linkRefused(err error) error {
	hint := []string{"name a folder of the PATH that is yours to write to, with --dir DIR"}
	if runtime.GOOS == "windows" {
		hint = []string{"Windows lets users make links in Developer Mode (Settings, System, For developers); or copy this program there as kubectl-schemahero-plugin.exe"}
	}
	return &refused{err.Error(), hint}
}
