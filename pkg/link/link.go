// Package link makes the links by which kubectl finds this program: krew can only
// install it under another name. It makes nothing else and replaces no other file.
package link

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Names are the names that kubectl looks for: the plugin itself, and the program
// that completes it, once for `kubectl schemahero plugin` and once for krew's
// `kubectl schemahero-plugin`.
func Names() []string {
	return []string{"kubectl-schemahero-plugin", "kubectl_complete-schemahero-plugin", "kubectl_complete-schemahero_plugin"}
}

// krewName is what krew makes of the plugin name schemahero-plugin: kubectl
// reads dashes as spaces and underscores as dashes.
const krewName = "kubectl-schemahero_plugin"

// State is what became of a link, or is to become of it.
type State string

// The states.
const (
	Created  State = "created"
	Kept     State = "kept"
	Replaced State = "replaced"
	Removed  State = "removed"
)

// Link is one link.
type Link struct {
	Name   string
	Path   string
	Target string
	State  State
}

// ForeignError says that something which was not made here is in a link's place.
type ForeignError struct {
	Path   string
	Target string // where it links to; "" if it is not a link
}

func (e *ForeignError) Error() string {
	if e.Target == "" {
		return e.Path + ": is in the way, and was not made by link"
	}
	return fmt.Sprintf("%s: links to %s, and was not made by link", e.Path, e.Target)
}

func (e *ForeignError) Kind() fault.Kind { return fault.Failure }

// Folder is where the links are, or are to be.
type Folder struct {
	Dir      string // absolute
	Self     string // this program as it was invoked, unresolved
	KrewRoot string // krew's folder, "" if there is none
}

// IsKrews reports whether the folder is krew's own: krew takes what lies there for
// its own, and no longer works once its last plugin is gone.
func (f Folder) IsKrews() bool {
	bin := filepath.Join(f.KrewRoot, "bin")
	return f.KrewRoot != "" && (samePath(f.Dir, bin) || disk.SameFile(f.Dir, bin))
}

// Main is the path of the first link.
func (f Folder) Main() string { return filepath.Join(f.Dir, Exe(Names()[0])) }

// Runs reports whether a program, where kubectl finds it, is this one already,
// outside of the folder: a second one would only be in its shadow, and `kubectl
// plugin list` complain.
func (f Folder) Runs(found string) bool {
	return found != "" && !samePath(found, f.Main()) && disk.SameFile(found, f.Self)
}

// Plan returns the links to be made, where main is what those for completion point
// to. Nothing is made. Errors: *ForeignError, the disk's.
func (f Folder) Plan(main string) ([]Link, error) {
	var links []Link
	for _, name := range Names() {
		l := Link{Name: name, Path: filepath.Join(f.Dir, Exe(name)), Target: main}
		var err error
		switch {
		case name == Names()[0] && l.Path != main:
			continue
		case l.Path == main && samePath(f.Self, main):
			// The program lies there already, or runs through a link that does.
			if l.Target, err = os.Readlink(main); err != nil {
				continue
			}
			l.State = Kept
		case l.Path == main:
			l.Target = f.target()
			fallthrough
		default:
			if l.State, err = f.state(l.Path, l.Target); err != nil {
				return nil, err
			}
		}
		links = append(links, l)
	}
	return links, nil
}

// target is where the first link points: to krew's own link where krew installed
// this program, since the file behind that moves with every upgrade; otherwise to
// the program as it was invoked, unresolved for the same reason.
func (f Folder) target() string {
	if krews := filepath.Join(f.KrewRoot, "bin", Exe(krewName)); f.KrewRoot != "" && disk.SameFile(f.Self, krews) {
		return krews
	}
	return f.Self
}

// state is what is to be done for a link.
func (f Folder) state(path, target string) (State, error) {
	to, err := os.Readlink(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Created, nil
	case err == nil && to == target:
		return Kept, nil
	case err == nil && f.owns(path, to):
		return Replaced, nil
	}
	if _, unseen := os.Lstat(path); unseen != nil {
		return "", unseen
	}
	return "", &ForeignError{path, to}
}

// owns reports whether a link was made here: it leads to this program, or to where
// krew has or had it, or is what an uninstalled one left behind.
func (f Folder) owns(path, to string) bool {
	if f.KrewRoot != "" && to == filepath.Join(f.KrewRoot, "bin", Exe(krewName)) || f.Self != "" && disk.SameFile(f.Self, path) {
		return true
	}
	_, err := os.Stat(path)
	name := strings.TrimSuffix(filepath.Base(to), ".exe")
	return errors.Is(err, fs.ErrNotExist) && (name == krewName || slices.Contains(Names(), name))
}

// Make makes links as planned, each in one step.
func (f Folder) Make(links []Link) error {
	if err := os.MkdirAll(f.Dir, 0o755); err != nil {
		return err
	}
	for _, l := range links {
		switch l.State {
		case Created:
			if err := os.Symlink(l.Target, l.Path); err != nil {
				return err
			}
		case Replaced:
			fresh := fmt.Sprintf("%s.%d", l.Path, os.Getpid())
			if err := os.Symlink(l.Target, fresh); err != nil {
				return err
			}
			if err := (disk.Disk{}).Rename(fresh, l.Path); err != nil {
				return errors.Join(err, disk.Disk{}.Remove(fresh))
			}
		}
	}
	return nil
}

// Remove removes the links that were made here, and returns them and what else is
// in their places.
func (f Folder) Remove() (removed []Link, foreign []string, err error) {
	for _, name := range Names() {
		path := filepath.Join(f.Dir, Exe(name))
		target, err := os.Readlink(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil || !f.owns(path, target):
			foreign = append(foreign, path)
			continue
		}
		if err := (disk.Disk{}).Remove(path); err != nil {
			return removed, foreign, err
		}
		removed = append(removed, Link{name, path, target, Removed})
	}
	return removed, foreign, nil
}
