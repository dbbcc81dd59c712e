package install

import (
	"context"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
)

// Overrides returns the folder of links to drivers under development. A link to one
// of these stands in the place of an installed driver, so that it is known as ours.
func (h Home) Overrides() string { return h.path("overrides") }

// Overridden returns where a driver under development is that stands at a path;
// false for anything else.
func (h Home) Overridden(path string) (target string, ok bool) {
	link, err := os.Readlink(path)
	if err != nil || h.dir == "" || filepath.Dir(link) != h.Overrides() {
		return "", false
	}
	target, err = os.Readlink(link)
	return target, err == nil
}

// Override puts links to target, a driver under development, at paths. What was
// installed there gives way, and is back with the next sync without the override.
// Errors: *ForeignError without force; the file system's.
func (e *Installer) Override(ctx context.Context, name, target string, paths []string, force bool) error {
	own := filepath.Join(e.home.Overrides(), name)
	right := func(path, to string) bool { at, err := os.Readlink(path); return err == nil && at == to }
	done := right(own, target)
	for _, path := range paths {
		done = done && right(path, own)
	}
	if done {
		return nil
	}
	hold, err := e.Lock(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = hold.Unlock() }()
	receipts, err := e.receipts(nil)
	if err != nil {
		return err
	}
	ours := map[string]digest.Digest{}
	for _, r := range receipts {
		ours[r.Path] = r.Layer
	}
	for _, path := range paths {
		_, err := os.Lstat(path)
		if _, link := e.home.Overridden(path); err == nil && !link && !force && ours[Canonical(path)] == "" {
			return &ForeignError{path}
		}
	}
	if err := e.link(own, target); err != nil {
		return err
	}
	for _, path := range paths {
		var layers []digest.Digest
		if layer, ok := ours[Canonical(path)]; ok {
			layers = []digest.Digest{layer}
		}
		if err := e.store.steady(layers, func() error { return e.link(path, own) }); err != nil {
			return err
		}
	}
	return nil
}

// link makes path a link, whatever was there.
func (e *Installer) link(path, target string) error {
	dir := filepath.Dir(path)
	if err := e.disk.MkdirAll(dir); err != nil {
		return err
	}
	// Beside it first: a rename replaces what is there in one step.
	folder, remove, err := e.disk.TempFolder(dir, "link")
	if err != nil {
		return err
	}
	defer remove()
	fresh := filepath.Join(folder, filepath.Base(path))
	if err := os.Symlink(target, fresh); err != nil {
		return err
	}
	return e.disk.Rename(fresh, path)
}
