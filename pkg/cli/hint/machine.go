package hint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"syscall"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/link"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// machine are the errors about files and content.
func machine() section {
	return section{title: "Content and disk", rows: []row{
		{hints: diskHints, of: []reflect.Type{
			reflect.TypeFor[*install.NoHomeError](), reflect.TypeFor[*install.SpaceError](), reflect.TypeFor[*install.FolderError](), reflect.TypeFor[*disk.LinkError](),
		}, docs: []doc{
			told("`not enough space`, `no space left on device`, `disk quota exceeded`", "Free disk space, for example with `plugin prune`, or name another home: `--home DIR`", fault.Failure),
			told("`cannot be written to`, permission denied, read-only file system", "In the home: name another, `--home DIR` or `SCHEMAHERO_PLUGIN_HOME=DIR`. Elsewhere: make the folder writable, or install elsewhere, `--dir DIR`. What a run with `sudo` left belongs to root: the hint has the `chown`", fault.Failure),
			told("`the home folder is not known`", "`HOME` is not set: `--home DIR` or `SCHEMAHERO_PLUGIN_HOME=DIR`. What only reads manifest, lock and registries needs no home", fault.Usage),
			told("`The process cannot access the file because it is being used by another process.`, `remove …: Access is denied.`", "Windows alone, after two seconds of trying: close the program that has the file open, end the one that it is, and run this again", fault.Failure),
			told("`is a link to …, which does not exist`, `…, which leads back to it`", "Make what the link names, or remove the link. At the manifest, the lock or the config it is 2", fault.Failure),
			told("`is in UTF-16LE: save it as UTF-8`, `byte 0x… is not UTF-8`, `NUL byte`", "The file was saved by Notepad or PowerShell, or in Latin-1: save it as UTF-8. A byte order mark does no harm", fault.Usage),
		}},
		on(func(_ Context, e *config.UnreadableError) []string {
			return []string{"ask whoever administers this machine to make it readable for everybody; without it nothing is done"}
		}, told("`may hold this machine's policy and cannot be read`", "The administrator's file, `/etc/schemahero/plugins.toml` or that of `--system-config`, must be readable for everybody: what it asks for is never passed over", fault.Usage)),
		on(func(_ Context, e *config.OwnerError) []string {
			return []string{"any user could have put it there: ask whoever administers this machine to take it over, or to remove it"}
		}, told("`belongs to neither an administrator nor this user`", "On Windows every user may make folders in `C:\\ProgramData`: an administrator takes `schemahero\\plugins.toml` over, or removes it. Nothing is done before, as with a policy that cannot be read", fault.Usage)),
		on(func(c Context, _ *install.ForeignError) []string {
			return []string{"this file is not the locked driver; to replace it: " + c.Name + " sync --force", "to keep it, move it elsewhere"}
		}, told("`is in the way: it was not installed by this program`", "It is not the locked driver, which would have been adopted. `plugin sync --force` overwrites it; to keep it, move it elsewhere", fault.Failure)),
		on(func(_ Context, _ *install.UnstagedError) []string {
			return []string{"something removed it from the store meanwhile: run this again"}
		}),
		on(func(c Context, _ *link.ForeignError) []string {
			return []string{"remove it, or link elsewhere: " + c.Name + " link --dir DIR"}
		}, told("`was not made by link`", "Only what `link` made is replaced: remove it, or link elsewhere: `plugin link --dir DIR`", fault.Failure)),
		on(func(c Context, e *install.ProbeError) []string {
			return []string{"it was not put in place; take a version that works here, or tell its publisher: " + c.Name + " versions " + e.Item.Plugin}
		}, told("`probe failed`", "The driver was not put in place, and without `--keep-going` no other either, nor locked. What the driver wrote is told below; take a version that works here: `plugin versions NAME`", fault.Failure)),
		on(func(_ Context, _ *artifact.SumError) []string {
			return []string{"tell the publisher: the archive and its .sha256 were not made together"}
		}, told("`checksum mismatch: its .sha256 says …`", "The archive and its `.sha256` were not made together: tell the publisher", fault.Integrity)),
		on(func(c Context, e *project.ChainError) []string {
			return []string{"find out who edited the lock; to lock what the registry has: " + c.Name + " update --accept-moved " + e.Name}
		}, told("`the lock's entry … does not follow from …`", "The lock was edited: find out who did; `plugin update --accept-moved NAME` locks what the registry has", fault.Integrity)),
		{hints: func(c Context, err error) []string {
			if fault.Of(err) != fault.Integrity {
				return nil
			}
			return []string{"the download was discarded; try again: " + c.Name + " sync --refetch", "if it happens again, the registry does not hold what was locked: tell its owner"}
		}, docs: []doc{
			told("`digest mismatch`, `size mismatch`, `bad archive`", "Nothing of it was kept. `plugin sync --refetch`; if it happens again, the registry does not hold what was locked: tell its owner", fault.Integrity),
			told("`digest \"…\" is neither a SHA-256 nor a SHA-512`, `size … is not between`, `media type … is not TYPE/SUBTYPE`", "A manifest or index lists what cannot be; nothing of it was used. Ask whoever published it, or runs the registry", fault.Integrity),
		}},
	}}
}

// diskHints are the hints about files and folders that cannot be used.
func diskHints(c Context, err error) []string {
	var (
		space  *install.SpaceError
		link   *disk.LinkError
		folder *install.FolderError
		path   *fs.PathError
	)
	const home = "name another home: --home DIR, or SCHEMAHERO_PLUGIN_HOME=DIR"
	switch {
	case errors.As(err, new(*install.NoHomeError)):
		return []string{system.HomeVariable() + " is not set; name a folder for drivers: --home DIR, or SCHEMAHERO_PLUGIN_HOME=DIR"}
	case errors.As(err, &link):
		return []string{"make what the link names, or remove the link: " + link.Path}
	case errors.As(err, &space), system.Is(err, syscall.ENOSPC), system.Is(err, syscall.EDQUOT):
		if errors.As(err, &path) && path.Op == "write" && !(c.Home != "" && isWithin(c.Home, path.Path)) {
			return []string{"free disk space there: " + filepath.Dir(path.Path)}
		}
		return []string{"free disk space, for example with " + c.Name + " prune", "or " + home}
	case system.Is(err, syscall.ETXTBSY):
		return []string{"another program has it open: close that, and run this again"}
	case errors.As(err, &path) && mayRun(runtime.GOOS, path):
		return []string{"end the program that it is, or that has it open, and run this again"}
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
	inHome := c.Home != "" && isWithin(c.Home, at)
	out := ownerHints(c, at, inHome)
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
func ownerHints(c Context, path string, inHome bool) []string {
	for dir := path; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); err != nil {
			continue
		}
		if inHome && !isWithin(c.Home, dir) {
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

// mayRun reports whether a file that could not be removed may be a program that runs:
// Windows then says no more than that access is denied.
func mayRun(goos string, err *fs.PathError) bool {
	return goos == "windows" && errors.Is(err, fs.ErrPermission) && (err.Op == "remove" || err.Op == "unlinkat")
}

func cannotWrite(err error) bool {
	return errors.Is(err, fs.ErrPermission) || system.Is(err, syscall.EROFS) || system.Is(err, syscall.ENOTDIR)
}
