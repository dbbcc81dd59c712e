package install

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// CheckPlace tells, before anything is fetched, whether what work needs can be
// put in place. It changes nothing. That only records could not be written is
// left for Place to find: whoever needs no more can do without.
//
// Errors, joined, each in an *ItemError: *ForeignError (without force),
// *FolderError, *SpaceError, and a *fs.PathError for a folder that bears the
// file's name.
func (e *Engine) CheckPlace(work []Status, force bool) error {
	var errs []error
	fail := func(s Status, err error) { errs = append(errs, &ItemError{s.Item, err}) }
	asked, told := map[string]bool{}, map[string]bool{}
	room := room{}
	for _, s := range work {
		if s.Startable() {
			continue
		}
		if s.State == Foreign && !s.unjudged && !force {
			fail(s, &ForeignError{s.Path})
			continue
		}
		if s.needsLayer() && s.stat.Mode.IsDir() {
			fail(s, &fs.PathError{Op: "replace", Path: s.Path, Err: syscall.EISDIR})
			continue
		}
		dirs := []string{e.home.Receipts(), e.home.Locks()}
		if s.needsLayer() {
			dirs = append(dirs, e.home.Store(), filepath.Dir(s.path))
		}
		for _, dir := range dirs {
			if asked[dir] {
				continue
			}
			asked[dir] = true
			if err := e.disk.Writable(dir); err != nil && !told[err.Error()] {
				told[err.Error()] = true // one folder above can be the cause of all
				fail(s, &FolderError{dir, err})
			}
		}
		if s.needsLayer() {
			if err := e.fits(s, room); err != nil {
				fail(s, err)
			}
		}
	}
	return errors.Join(errs...)
}

// room counts what is surely needed of each file system.
type room map[uint64]*struct {
	need   int64
	layers map[digest.Digest]bool // counted already
	told   bool
}

// fits counts the bytes that s will surely take: how far a layer expands is
// not known before it is fetched, but not to less than it has. A copy within
// one file system may share blocks with the store, and is not counted.
func (e *Engine) fits(s Status, room room) error {
	entry, stored := e.store.lookup(s.Layer.Digest)
	size := s.Layer.Size
	if stored {
		size = entry.Size
	}
	_, home, ok := disk.Free(e.home.Store())
	if !ok {
		return nil
	}
	for _, dir := range []string{e.home.Store(), filepath.Dir(s.path)} {
		free, dev, ok := disk.Free(dir)
		inStore := dir == e.home.Store()
		if !ok || inStore && stored || !inStore && dev == home {
			continue
		}
		r := room[dev]
		if r == nil {
			r = &struct {
				need   int64
				layers map[digest.Digest]bool
				told   bool
			}{layers: map[digest.Digest]bool{}}
			room[dev] = r
		}
		if inStore && r.layers[s.Layer.Digest] {
			continue
		}
		r.layers[s.Layer.Digest] = inStore
		if r.need += size; r.need > free && !r.told {
			r.told = true
			return &SpaceError{Dir: dir, Need: r.need, Free: free}
		}
	}
	return nil
}
