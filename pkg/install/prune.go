package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// PruneOptions change what Prune removes.
type PruneOptions struct {
	All       bool          // end every claim that no lock has: of downloads, and those that were lost
	Store     bool          // layers in the store that no file and no lock needs, too
	OlderThan time.Duration // only files placed, and layers used, longer ago
}

// Pruned is what Prune removed, or would.
type Pruned struct {
	Files   []Receipt // by path
	Changed []Receipt // not wanted, but not what was placed: left alone
	Layers  []Entry   // by digest
	Bytes   int64     // of files and layers
}

// Prune removes the files that no claim wants any more. What was changed since
// it was placed may be somebody's work, and stays. Errors are joined; what could be
// removed was, and is returned with them.
func (h *Hold) Prune(ctx context.Context, o PruneOptions) (Pruned, error) {
	c := &claims{noDownloads: o.All}
	p := &pruning{e: h.e, o: o, claims: c, wanted: c.wanted}
	err := p.run(ctx)
	h.e.Sweep()
	return p.out, err
}

// Prunable returns what Prune would remove. It takes no lock and changes
// nothing.
func (e *Installer) Prunable(ctx context.Context, o PruneOptions) (Pruned, error) {
	c := &claims{noDownloads: o.All}
	p := &pruning{e: e, o: o, dry: true, claims: c, wanted: c.wanted}
	err := p.run(ctx)
	return p.out, err
}

// PrunableAfter returns what Prune would remove once the lock that claims is
// this one, and Place has done its work with these items, claim and Keep.
func (e *Installer) PrunableAfter(ctx context.Context, lock *lockfile.Lock, items []Item, placing PlaceOptions, o PruneOptions) (Pruned, error) {
	path, _ := placing.Claim.Lock()
	c := &claims{noDownloads: o.All, locks: map[string]claimed{path: {lock: lock}}}
	among := paths(items)
	wanted := func(r Receipt) bool {
		if among[r.Path] {
			return true
		}
		if placing.Keep != nil && !placing.Keep(r) {
			r = r.without(func(c Claim) bool { return c == placing.Claim })
		}
		return c.wanted(r)
	}
	p := &pruning{e: e, o: o, dry: true, claims: c, wanted: wanted}
	err := p.run(ctx)
	return p.out, err
}

// pruning is one run of Prune, or with dry what it would do.
type pruning struct {
	e      *Installer
	o      PruneOptions
	dry    bool
	claims *claims
	wanted func(Receipt) bool
	out    Pruned
	// names counts, by inode, the names that a dry run would have taken: a file that
	// is the store's under another name takes its bytes once.
	names map[uint64]uint64
}

func (p *pruning) run(ctx context.Context) error {
	all, err := p.e.Receipts()
	if err != nil {
		return err
	}
	var errs []error
	needed := map[digest.Digest]bool{}
	for _, r := range all {
		p.claims.layers(r, needed)
		if !p.wanted(r) {
			gone, err := p.file(ctx, r)
			errs = append(errs, err)
			if gone {
				continue
			}
		} else if p.o.All && !p.dry {
			errs = append(errs, p.endClaims(r))
		}
		needed[r.Layer] = true
	}
	if p.o.Store {
		errs = append(errs, p.layers(needed))
	}
	return errors.Join(errs...)
}

// file removes one file and its receipt.
func (p *pruning) file(ctx context.Context, r Receipt) (gone bool, err error) {
	stat, err := disk.Lstat(r.Path)
	if absent(err) {
		if p.dry {
			return true, nil
		}
		return true, p.e.forget(r.Path)
	}
	if err != nil || p.young(p.placed(r, stat)) {
		return false, err
	}
	if !p.e.vouched(&r, stat) {
		same := false
		if stat.Mode.IsRegular() {
			sum, err := Hash(ctx, r.Path)
			if err != nil {
				return false, err
			}
			same = sum == r.SHA256
		}
		if !same {
			p.out.Changed = append(p.out.Changed, r)
			return false, nil
		}
	}
	if !p.dry {
		// In this order a crash leaves a receipt without a file, which is nothing.
		remove := func() error { return p.e.disk.Remove(r.Path) }
		if err := p.e.store.steady([]digest.Digest{r.Layer}, remove); err != nil {
			return false, err
		}
		if err := p.e.forget(r.Path); err != nil {
			return false, err
		}
	}
	p.out.Files = append(p.out.Files, r)
	p.count(stat)
	return true, nil
}

// endClaims takes from a file that a lock wants the claims that no lock has, so
// that it goes with that lock.
func (p *pruning) endClaims(r Receipt) error {
	left := r.without(func(c Claim) bool { _, ok := c.Lock(); return !ok })
	if len(left.Claims) == len(r.Claims) {
		return nil
	}
	if stat, err := disk.Lstat(r.Path); err == nil && p.young(p.placed(r, stat)) {
		return nil
	}
	return p.e.write(left, false)
}

func (p *pruning) layers(needed map[digest.Digest]bool) error {
	entries, err := p.e.store.list()
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if needed[entry.Layer] || p.young(entry.Used) {
			continue
		}
		stat, err := disk.Lstat(entry.Path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !p.dry {
			removed, err := p.layer(entry)
			errs = append(errs, err)
			if !removed {
				continue
			}
		}
		p.out.Layers = append(p.out.Layers, entry)
		p.out.Bytes += entry.Kept
		if stat.Mode.IsRegular() {
			p.count(stat)
		}
	}
	return errors.Join(errs...)
}

// layer removes an entry, unless it is being fetched again just now.
func (p *pruning) layer(entry Entry) (bool, error) {
	lock, err := p.e.disk.TryLock(p.e.layerLock(entry.Layer))
	if lock == nil {
		return false, err
	}
	defer lock.UnlockAndRemove()
	err = p.e.store.remove(entry)
	return err == nil, err
}

// count adds the bytes of a file that had this stat before it lost a name, unless
// it has others.
func (p *pruning) count(stat disk.Stat) {
	if p.names[stat.Inode]+1 >= stat.Links {
		p.out.Bytes += stat.Size
	} else if p.dry {
		if p.names == nil {
			p.names = map[uint64]uint64{}
		}
		p.names[stat.Inode]++
	}
}

// placed returns when a file was placed: a link is as old as the store's file, and
// the store knows when that was last linked to.
func (p *pruning) placed(r Receipt, stat disk.Stat) time.Time {
	t := time.Unix(0, stat.Mtime)
	if entry, ok := p.e.store.lookup(r.Layer); ok && stat.Links > 1 && entry.Used.After(t) {
		return entry.Used
	}
	return t
}

func (p *pruning) young(t time.Time) bool {
	return p.o.OlderThan > 0 && p.e.o.Now().Sub(t) < p.o.OlderThan
}

// Sweep removes what processes that no longer run left half done: temporary
// files in the store, among the receipts and in the folders given, and locks
// on layers. A sync begins with it; Stage and Place do it for the folders that
// they write to.
func (e *Installer) Sweep(dirs ...string) {
	e.sweep(append([]string{e.home.Store(), e.home.Receipts()}, dirs...)...)
	files, _ := os.ReadDir(e.home.locks())
	for _, f := range files {
		if f.Name() == homeLock || !strings.HasSuffix(f.Name(), ".lock") {
			continue
		}
		if l, _ := e.disk.TryLock(filepath.Join(e.home.locks(), f.Name())); l != nil {
			l.UnlockAndRemove()
		}
	}
}

// sweep leaves what it cannot remove: the next write there reports why.
func (e *Installer) sweep(dirs ...string) {
	for _, dir := range dirs {
		if dir == "" {
			continue // of no home
		}
		swept, _ := e.disk.Sweep(dir)
		for _, path := range swept {
			e.emit(Event{Kind: EventSwept, Path: path})
		}
	}
}
