package plugins

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
	items, err := p.listed()
	if err != nil {
		return nil, err
	}
	return listStatus(ctx, p.engine, items, dirs)
}

// listed returns the items of the lock, none without one.
func (p *Project) listed() ([]install.Item, error) {
	in, err := p.load(nil, true)
	if err != nil || in.lock == nil {
		return nil, err
	}
	items, _, err := p.items(in, in.lock, SyncOptions{})
	if errors.As(err, new(*PlatformError)) {
		err = nil // sync says so; a list shows what there is
	}
	return items, err
}

func listStatus(ctx context.Context, engine *install.Engine, items []install.Item, dirs []string) ([]install.Status, error) {
	receipts, err := engine.Receipts()
	if err != nil {
		return nil, err
	}
	unused, err := engine.Unused()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	folders := append([]string{engine.Home().Plugins()}, dirs...)
	for _, it := range items {
		known[it.Path] = true
		folders = append(folders, filepath.Dir(it.Path))
	}
	for _, r := range receipts {
		if !known[r.Path] && slices.Contains(folders, filepath.Dir(r.Path)) {
			known[r.Path] = true
			items = append(items, ItemOf(r))
		}
	}
	status, err := engine.Inspect(ctx, items)
	if err != nil {
		return nil, err
	}
	for i := range status {
		for _, u := range unused {
			if u.Path == status[i].Path && status[i].State == install.OK {
				status[i].State = install.Unused
			}
		}
	}
	status = slices.DeleteFunc(status, func(s install.Status) bool { // wanted by nobody, and not there
		return s.State == install.Missing && slices.ContainsFunc(unused, func(u install.Receipt) bool { return u.Path == s.Path })
	})
	status = Shadow(status, dirs)
	status = append(status, foreign(dirs, known)...)
	slices.SortStableFunc(status, func(a, b install.Status) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(rank(a.Path, dirs), rank(b.Path, dirs)), cmp.Compare(a.Path, b.Path))
	})
	return status, nil
}

// rank is a path's place in the host's order, the last where it does not look.
func rank(path string, dirs []string) int {
	if i := slices.Index(dirs, filepath.Dir(path)); i >= 0 {
		return i
	}
	return len(dirs)
}

// ItemOf returns the item that a receipt was written for.
func ItemOf(r install.Receipt) install.Item {
	return install.Item{
		Name: r.Name, Plugin: r.Plugin, Version: r.Version, Repository: r.Repository, Path: r.Path,
		Layer: install.Layer{Plugin: r.Plugin, Repository: r.Repository, Platform: r.Platform, Digest: r.Layer, Executable: r.SHA256},
	}
}

// foreign returns the drivers in dirs that are not known.
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
			if !ok || known[path] || e.IsDir() || artifact.CheckName(name) != nil {
				continue
			}
			info, err := os.Stat(path)
			if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
				continue
			}
			known[path] = true
			out = append(out, install.Status{Item: install.Item{Name: name, Plugin: name, Path: path}, State: install.Foreign})
		}
	}
	return out
}

func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// Missing tells whether an error means that there is no manifest.
func Missing(err error) bool { return errors.As(err, new(*manifest.NotFoundError)) }
