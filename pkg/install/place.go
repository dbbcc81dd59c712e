package install

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// PlaceOptions change what Place does.
type PlaceOptions struct {
	Claim     Claim // who wants the items; "": nobody
	Force     bool  // overwrite files that are not ours
	KeepGoing bool  // place what can be placed
	Again     bool  // copy every item from the store, whatever is there (--refetch)
	Probe     bool  // start each driver of the host's platform first (Options.Probe), and place only what answers
	// Keep is called for each file that has the claim and is not among the
	// items: if it answers false, the claim is dropped. nil drops none.
	Keep func(Receipt) bool
	// Ready is called once, when every new file lies beside its place, complete
	// and probed, and none has been replaced; its error ends Place. nil: nothing.
	// With KeepGoing it is called before anything is known.
	Ready func() error
}

// Place makes every item's file right. It looks again at each, since the lock
// was not held before. Unless KeepGoing, a failure leaves every file as it was.
//
// Errors, joined, each in an *ItemError: *ForeignError, *UnstagedError,
// *ProbeError, *FolderError, *fs.PathError. With KeepGoing the report says what
// was done beside them.
func (h *Hold) Place(ctx context.Context, items []Item, o PlaceOptions) (Report, error) {
	e := h.e
	all, err := e.inspectAll(ctx, items, false)
	if err != nil {
		return Report{}, err
	}
	jobs := make([]*job, len(all))
	var open []*job
	var refused []error
	for i, s := range all {
		jobs[i] = plan(s, o)
		if jobs[i].err != nil {
			refused = append(refused, jobs[i].err)
		} else if jobs[i].copy || jobs[i].write {
			open = append(open, jobs[i])
		}
	}
	failed := errors.Join(refused...)
	if failed == nil || o.KeepGoing {
		failed = errors.Join(failed, e.transactAll(ctx, open, o))
	}
	if failed != nil && !o.KeepGoing {
		return Report{}, failed
	}
	r := report(jobs, o.Claim)
	r.Dropped, err = e.drop(items, o)
	return r, errors.Join(failed, err)
}

// plan decides what is to be done for an item.
func plan(s Status, o PlaceOptions) *job {
	j := &job{Status: s, action: s.Planned(), copy: s.needsLayer() || o.Again}
	switch {
	case s.State == Foreign && !o.Force:
		j.err = &ItemError{s.Item, &ForeignError{s.Path}}
	case o.Again && (j.action == Kept || j.action == Adopted):
		j.action = Replaced
	}
	var before []Claim
	if s.record == damaged {
		before = []Claim{lostClaim}
	} else if s.Receipt != nil {
		before = s.Receipt.Claims
	}
	j.claims = withClaim(before, o.Claim)
	j.write = j.action != Kept || s.record != recorded || len(j.claims) != len(before)
	return j
}

// transactAll does all jobs or none; with KeepGoing each on its own.
func (e *Installer) transactAll(ctx context.Context, jobs []*job, o PlaceOptions) error {
	ready := o.Ready
	if ready == nil {
		ready = func() error { return nil }
	}
	if len(jobs) == 0 {
		return ready()
	}
	var dirs []string
	for _, j := range jobs {
		if dir := filepath.Dir(j.path); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	e.sweep(append(dirs, e.home.Receipts())...)
	if err := e.disk.MkdirAll(e.home.Receipts()); err != nil {
		return &ItemError{jobs[0].Item, err}
	}
	if !o.KeepGoing {
		return e.transact(ctx, jobs, o.Probe, ready)
	}
	if err := ready(); err != nil {
		return err
	}
	return e.each(len(jobs), true, func(i int) error {
		jobs[i].err = e.transact(ctx, jobs[i:i+1], o.Probe, func() error { return nil })
		return jobs[i].err
	})
}

func report(jobs []*job, claim Claim) Report {
	var r Report
	c := &claims{}
	for _, j := range jobs {
		if j.err != nil {
			continue
		}
		r.Placed = append(r.Placed, Placed{j.Item, j.action})
		before := j.Receipt
		if before == nil || before.Layer == j.Layer.Digest {
			continue
		}
		for _, other := range before.Claims {
			if _, ok := other.Lock(); ok && other != claim && c.standing(other, *before) == wantsThis {
				r.Conflicts = append(r.Conflicts, Conflict{j.Item, other, before.Version})
			}
		}
	}
	return r
}

// drop takes the claim from files that it no longer wants. They stay until
// they are pruned, and stay ours.
func (e *Installer) drop(items []Item, o PlaceOptions) (dropped []Receipt, err error) {
	if o.Keep == nil || o.Claim == "" {
		return nil, nil
	}
	strays, err := e.Strays(items, o.Claim)
	if err != nil {
		return nil, err
	}
	for _, r := range strays {
		if o.Keep(r) {
			continue
		}
		r = r.without(func(c Claim) bool { return c == o.Claim })
		if err := e.write(r, false); err != nil {
			return dropped, err
		}
		dropped = append(dropped, r)
	}
	return dropped, nil
}

// CheckPlace checks, before anything is fetched, that what work needs can be
// put in place. It changes nothing. That only records could not be written is
// left for Place to find: work that needs no more can do without.
//
// Errors, joined, each in an *ItemError: *ForeignError (without force),
// *FolderError, *SpaceError, and a *fs.PathError for a folder that has the
// file's name.
func (e *Installer) CheckPlace(work []Status, force bool) error {
	var errs []error
	fail := func(s Status, err error) { errs = append(errs, &ItemError{s.Item, err}) }
	asked, told := map[string]bool{}, map[string]bool{}
	room := room{}
	for _, s := range work {
		if s.Startable() {
			continue
		}
		if s.State == Foreign && !s.Unjudged && !force {
			fail(s, &ForeignError{s.Path})
			continue
		}
		if s.needsLayer() && s.stat.Mode.IsDir() {
			fail(s, &fs.PathError{Op: "replace", Path: s.Path, Err: syscall.EISDIR})
			continue
		}
		dirs := []string{e.home.Receipts(), e.home.locks()}
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

// room counts what is surely needed of each file system, by its number.
type room map[uint64]*needed

type needed struct {
	need   int64
	layers map[digest.Digest]bool // counted already
	told   bool
}

// fits counts the bytes that s will surely take: how far a layer expands is
// not known before it is fetched, but not to less than it has. A copy within
// one file system may share blocks with the store, and is not counted; nor is what
// may be kept of a layer.
func (e *Installer) fits(s Status, room room) error {
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
			r = &needed{layers: map[digest.Digest]bool{}}
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

// Action is what Place did for an item.
type Action string

// The actions.
const (
	Kept      Action = "kept"      // it was right
	Adopted   Action = "adopted"   // the file was right but not ours, its receipt was written
	Installed Action = "installed" // there was no file
	Replaced  Action = "replaced"  // another layer's file, or a foreign one, stood there
	Repaired  Action = "repaired"  // the file was not what its receipt says, or could not be started
)

// Placed is what happened to one item.
type Placed struct {
	Item   Item
	Action Action
}

// Conflict says that a file was replaced which another lock wants as it was.
type Conflict struct {
	Item    Item   // what stands there now
	Claim   Claim  // who wants the other
	Version string // of the other; "" if it states none
}

// Report is what Place did.
type Report struct {
	Placed    []Placed // in the items' order, without those that failed
	Conflicts []Conflict
	Dropped   []Receipt // of files that lost the claim, as they are now
}
