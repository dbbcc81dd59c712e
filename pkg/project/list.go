package project

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// List returns what is installed and what should be: the lock's executables,
// what else this home has placed in the folders that count, and files that
// stand where the host looks but are nobody's. dirs is the host's search path;
// sorted by name, then by the order in which the host looks. A project without
// manifest or lock lists what is installed. It asks no network and hashes no
// file whose receipt still matches.
func (p *Project) List(ctx context.Context, dirs []string) ([]install.Status, error) {
	items, err := p.Locked()
	if err != nil {
		return nil, err
	}
	status, err := listStatus(ctx, p.installer, items, dirs)
	return p.markOverridden(status), err
}

// Locked returns the executables that the lock wants on this machine, none
// without a lock.
func (p *Project) Locked() ([]install.Item, error) {
	in, err := p.load(nil, true)
	if err != nil || in.lock == nil {
		return nil, err
	}
	items, _, err := p.items(in, in.lock, nil, SyncOptions{})
	if errors.As(err, new(*PlatformError)) {
		err = nil // sync says so; a list shows what there is
	}
	return items, err
}

func listStatus(ctx context.Context, installer *install.Installer, items []install.Item, dirs []string) ([]install.Status, error) {
	receipts, err := installer.Receipts()
	if err != nil {
		return nil, err
	}
	unused, err := installer.Unused()
	if err != nil {
		return nil, err
	}
	// Folders are named as the host reaches them, but told apart by where they
	// are: home, dirs and receipts can lead to one by different links.
	f := folders{canonical: map[string]string{}}
	for _, dir := range dirs {
		f.add(dir)
	}
	f.add(installer.Home().Plugins())
	known := map[string]bool{}
	for _, it := range items {
		known[install.Canonical(it.Path)] = true
		f.add(filepath.Dir(it.Path))
	}
	for _, r := range receipts {
		dir, ok := f.canonical[filepath.Dir(r.Path)]
		if !known[r.Path] && ok {
			known[r.Path] = true
			it := ItemOf(r)
			it.Path = filepath.Join(dir, filepath.Base(r.Path))
			items = append(items, it)
		}
	}
	status, err := installer.Inspect(ctx, items)
	if err != nil {
		return nil, err
	}
	status = markUnused(status, unused)
	status = Shadow(status, dirs)
	status = append(status, foreign(dirs, known)...)
	slices.SortStableFunc(status, func(a, b install.Status) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(f.rank(a.Path), f.rank(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	return status, nil
}

// markUnused marks what no lock wants, and leaves it out if it is not there.
func markUnused(status []install.Status, unused []install.Receipt) []install.Status {
	none := map[string]bool{}
	for _, u := range unused {
		none[u.Path] = true
	}
	var out []install.Status
	for _, s := range status {
		if none[install.Canonical(s.Path)] {
			switch s.State {
			case install.Missing:
				continue
			case install.OK:
				s.State = install.Unused
			}
		}
		out = append(out, s)
	}
	return out
}

// ItemOf returns the item that a receipt was written for.
func ItemOf(r install.Receipt) install.Item {
	return install.Item{
		Name: r.Name, Plugin: r.Plugin, Version: r.Version, Repository: r.Repository, Path: r.Path,
		Layer: install.Layer{Plugin: r.Plugin, Repository: r.Repository, Platform: r.Platform, Digest: r.Layer, Executable: r.SHA256},
	}
}

// folders are those in which drivers lie that count, in the host's order first.
type folders struct {
	names     []string
	canonical map[string]string // to the name it was first added by
}

func (f *folders) add(dir string) {
	real := filepath.Dir(install.Canonical(filepath.Join(dir, "x")))
	if _, ok := f.canonical[real]; !ok {
		f.canonical[real] = dir
		f.names = append(f.names, dir)
	}
}

// rank is the place of a path's folder in the order.
func (f *folders) rank(path string) int {
	return slices.Index(f.names, f.canonical[filepath.Dir(install.Canonical(path))])
}

// foreign returns the drivers in dirs that are not known: whatever the host
// would take for one, even if it could not start it.
func foreign(dirs []string, known map[string]bool) []install.Status {
	var out []install.Status
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // most of these folders do not exist
		}
		for _, e := range entries {
			name, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".exe"), "schemahero-")
			path := filepath.Join(dir, e.Name())
			real := install.Canonical(path)
			if !ok || known[real] || e.IsDir() || artifact.CheckName(name) != nil {
				continue
			}
			info, err := os.Stat(path)
			if err != nil || info.IsDir() {
				continue
			}
			known[real] = true
			out = append(out, install.Status{Item: install.Item{Name: name, Plugin: name, Path: path}, State: install.Foreign})
		}
	}
	return out
}

// Missing reports whether an error means that there is no manifest.
func Missing(err error) bool { return errors.As(err, new(*manifest.NotFoundError)) }
