package shell

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// linkState tells what is to be done for a link: "created", "replaced" or
// "kept". What link did not make is an error.
func linkState(e *env.Env, path, target string) (string, error) {
	to, err := os.Readlink(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "created", nil
	case err == nil && to == target:
		return "kept", nil
	case err == nil && ownLink(e, path, to):
		return "replaced", nil
	}
	if _, unseen := os.Lstat(path); unseen != nil {
		return "", linkRefused(unseen)
	}
	what := path + ": is in the way, and was not made by link"
	if err == nil {
		what = fmt.Sprintf("%s: links to %s, and was not made by link", path, to)
	}
	return "", hint.Refuse(what, "remove it, or link elsewhere: "+e.Name()+" link --dir DIR")
}

// ownLink tells whether a link was made by link: it leads to this program, or
// to where krew has or had it, or is what an uninstalled one left behind.
func ownLink(e *env.Env, path, to string) bool {
	if root := krewRoot(e); root != "" && to == filepath.Join(root, "bin", env.Exe(krewName)) {
		return true
	}
	if self, err := invoked(e); err == nil && disk.SameFile(self, path) {
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
	advice := "name a folder of the PATH that is yours to write to, with --dir DIR"
	if runtime.GOOS == "windows" {
		advice = "Windows lets users make links in Developer Mode (Settings, System, For developers); or copy this program there as kubectl-schemahero-plugin.exe"
	}
	return hint.Refuse(err.Error(), advice)
}
