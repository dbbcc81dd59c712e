package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// Names returns what is in a folder, in no order. A sync with nothing to do asks
// for some, with a name for each driver: os.ReadDir would sort them, and make an
// entry of each.
func Names(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Sweep removes the temporary files in dir whose writers no longer run, and
// returns their paths. A dir that does not exist is empty.
func (d Disk) Sweep(dir string) ([]string, error) { return d.sweep(dir, "") }

// SweepFile is Sweep for the temporary files of one file, for a folder that is
// not the caller's own.
func (d Disk) SweepFile(path string) ([]string, error) {
	return d.sweep(filepath.Dir(path), tempPrefix(filepath.Base(path)))
}

func (d Disk) sweep(dir, prefix string) ([]string, error) {
	names, err := Names(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	var swept []string
	var errs []error
	for _, name := range names {
		of, pid, ok := splitTemp(name)
		if !ok || prefix != "" && of != prefix {
			continue
		}
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // its writer or another sweeper was faster
		case err != nil:
			errs = append(errs, err)
			continue
		case info.Mode().Type() == fs.ModeSymlink:
			// Kept by Backup. A link cannot be locked, so its writer's id decides.
			if system.Runs(pid) {
				continue
			}
		case !info.Mode().IsRegular():
			continue
		}
		done, err := d.sweepOne(path, pid, info.Mode().IsRegular())
		if err != nil {
			errs = append(errs, err)
		} else if done {
			swept = append(swept, path)
		}
	}
	slices.Sort(swept)
	return swept, errors.Join(errs...)
}

// sweepOne removes a temporary file, if its writer runs no more.
func (d Disk) sweepOne(path string, pid int, regular bool) (done bool, err error) {
	if regular {
		release, ok := ownerGone(path, pid)
		if !ok {
			return false, nil
		}
		defer release()
	}
	// Once: an executable that still runs stays for whoever sweeps when it has ended.
	if err := d.remove(path); err == nil || !held(err) {
		return true, err
	}
	return false, nil
}

// TempFolder makes a folder in parent whose name begins with prefix, for as long
// as the process lives or until it is removed, and first removes those that dead
// processes left.
func (d Disk) TempFolder(parent, prefix string) (dir string, remove func(), err error) {
	// Nobody looks at a folder between its making and its lock.
	whole, err := d.LockFolder(context.Background(), parent, nil)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = whole.Unlock() }()
	entries, err := os.ReadDir(parent)
	if err != nil {
		return "", nil, err
	}
	for _, e := range entries {
		random, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok || !e.IsDir() || random == "" || strings.Trim(random, "0123456789") != "" {
			continue
		}
		if left := filepath.Join(parent, e.Name()); folderFree(left) {
			Discard(left) // whoever comes next tries again
		}
	}
	if dir, err = os.MkdirTemp(parent, prefix); err != nil {
		return "", nil, err
	}
	release, err := d.keepFolder(dir)
	if err != nil {
		return "", nil, errors.Join(err, os.Remove(dir))
	}
	return dir, func() { release(); Discard(dir) }, nil
}
