package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// diskHints are those about files and folders that cannot be used.
func (a *app) diskHints(err error) []string {
	var (
		space  *install.SpaceError
		link   *disk.LinkError
		folder *install.FolderError
		path   *fs.PathError
	)
	const home = "name another home: --home DIR, or SCHEMAHERO_PLUGIN_HOME=DIR"
	switch {
	case errors.As(err, new(*install.NoHomeError)):
		return []string{"HOME is not set; name a folder for drivers: --home DIR, or SCHEMAHERO_PLUGIN_HOME=DIR"}
	case errors.As(err, &link):
		return []string{"make what the link names, or remove the link: " + link.Path}
	case errors.As(err, &space), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return []string{"make room, for one by " + a.displayName() + " prune", "or " + home}
	case errors.As(err, &path) && errors.Is(err, fs.ErrNotExist):
		if target, e := os.Readlink(path.Path); e == nil {
			return []string{path.Path + " is a link to " + target + ", which does not exist"}
		}
		return nil
	case !cannotWrite(err):
		return nil
	}
	at := ""
	if errors.As(err, &path) {
		at = path.Path
	}
	if errors.As(err, &folder) {
		at = folder.Dir
	}
	inHome := a.home().Dir() != "" && isWithin(a.home().Dir(), at)
	out := a.ownerHints(at, inHome)
	switch {
	case inHome:
		out = append(out, home)
	case folder != nil:
		out = append(out, "make the folder writable, or install elsewhere: --dir DIR")
	case path != nil && path.Op == "write":
		out = append(out, "make its folder writable: "+filepath.Dir(at))
	}
	return out
}

// ownerHints says to whom a place belongs that only its owner may change: after a
// run with sudo that is root.
func (a *app) ownerHints(path string, inHome bool) []string {
	for dir := path; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); err != nil {
			continue
		}
		if inHome && !isWithin(a.home().Dir(), dir) {
			return nil // the home is not there yet, and what is above is not ours to have
		}
		owner, own, ok := disk.Owner(dir)
		if !ok || own {
			return nil
		}
		if owner != "root" {
			return []string{dir + " belongs to " + owner + ", who can let you write there"}
		}
		return []string{dir + ` belongs to root; to have it back: sudo chown -R "$(id -u)" ` + dir}
	}
	return nil
}

func isWithin(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

func cannotWrite(err error) bool {
	for _, is := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENOTDIR} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}
