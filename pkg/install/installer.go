// Package install puts drivers on a machine and knows what it put there.
//
// A layer is fetched once into a store, addressed by its digest and verified
// before it appears there; files are cloned, linked or copied from the store
// into place, all of them or none; a receipt for each file makes the next look
// at it cheap and says which locks want it. The package reads no environment,
// prints nothing and holds no plugin in memory.
//
// A sync goes straight down: Inspect, CheckPlace, Stage, Lock, and with the
// lock held Place.
package install

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// Options are what an installer is given from outside. The zero value works for
// everything but fetching.
type Options struct {
	Fetch  Fetcher                                                 // needed by Stage
	Events func(Event)                                             // progress; nil: none
	Learnt func(Layer, unpack.Facts)                               // told what a layer is that was fetched, from several goroutines; may be nil
	Probe  func(ctx context.Context, item Item, path string) error // starts the driver at path; for PlaceOptions.Probe
	Host   artifact.Platform                                       // only its drivers are probed
	Now    func() time.Time                                        // nil: time.Now
	Link   bool                                                    // installed files may be hard links to the store's
}

// Installer installs drivers for one home. It may be used by several goroutines,
// and any number of processes may have one on the same home.
type Installer struct {
	home     Home
	o        Options
	disk     disk.Disk
	store    store
	unpacker *unpack.Unpacker
	limit    int // layers and files at a time
	// linksOnly reports whether the store's files can have other names, but no
	// clones. Once asked, it is known.
	linksOnly func() bool

	events sync.Mutex // held while o.Events runs
}

// Open returns an installer. It touches nothing until it is used.
func Open(home Home, o Options) *Installer {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Installer{home: home, o: o, store: store{dir: home.Store(), changing: new(sync.Mutex)}, unpacker: unpack.New(), limit: parallelWork()}
	e.linksOnly = sync.OnceValue(func() bool { return disk.LinksOnly(home.Store(), placedMode) })
	var once sync.Once
	e.disk.NoLocks = func(path string) {
		once.Do(func() { e.emit(Event{Kind: EventNoLocks, Path: filepath.Dir(path)}) })
	}
	return e
}

// Home returns the installer's home.
func (e *Installer) Home() Home { return e.home }

func (e *Installer) emit(ev Event) {
	if e.o.Events == nil {
		return
	}
	e.events.Lock()
	defer e.events.Unlock()
	e.o.Events(ev)
}

const homeLock = "home.lock"

// Hold is the home's lock, held. What changes installed files hangs on it, so
// that it cannot be done without. Whoever reads needs no lock.
type Hold struct {
	e    *Installer
	lock *disk.Lock
}

// Lock takes the home's lock. If another process holds it, an event says
// so, and Lock waits until ctx is done. The lock ends with its process, so one
// that was killed blocks nobody.
func (e *Installer) Lock(ctx context.Context) (*Hold, error) {
	if err := errors.Join(ctx.Err(), e.home.check()); err != nil {
		return nil, err
	}
	if err := e.disk.MkdirAll(e.home.locks()); err != nil {
		return nil, err
	}
	l, err := e.disk.Lock(ctx, filepath.Join(e.home.locks(), homeLock), func(pid int) {
		e.emit(Event{Kind: EventWait, Subject: e.home.Dir(), PID: pid})
	})
	if err != nil {
		return nil, err
	}
	return &Hold{e, l}, nil
}

// Unlock gives the lock up. It may be called more than once.
func (h *Hold) Unlock() error { return h.lock.Unlock() }

// EventKind is what happened.
type EventKind int

// The kinds of events.
const (
	EventNeed    EventKind = iota // Layer is to be fetched, Total bytes; sent for all before the first is
	EventFetch                    // Done of Total compressed bytes of Layer have arrived
	EventStaged                   // Layer is in the store; Total is its size
	EventWait                     // Subject is locked by process PID (0: not known), and is waited for
	EventSwept                    // the temporary file Path of a dead process was removed
	EventPlaced                   // Item stands at Path
	EventNoLocks                  // the file system of the folder Path has no locks, so none are taken; sent once
)

// Event is progress. Calls for one installer never overlap.
type Event struct {
	Kind    EventKind
	Layer   Layer // EventNeed, EventFetch, EventStaged
	Done    int64 // bytes
	Total   int64 // bytes
	Subject string
	PID     int
	Path    string
	Item    Item // EventPlaced
}

// parallelWork is how many layers or files are worked on at a time. Inflating
// keeps a processor busy, and a few more hide the network's latency; each has
// its buffers, so the number bounds memory too.
func parallelWork() int { return min(max(runtime.GOMAXPROCS(0), 2), 4) }

// each calls f for 0 to n-1, some at once, and joins the errors in that order.
// After an error no other call begins, unless all is set. f looks at the context
// itself: what was begun to be put back must not stop halfway.
func (e *Installer) each(n int, all bool, f func(i int) error) error {
	run := parallel.ErrorsUntil
	if all {
		run = parallel.Errors
	}
	return errors.Join(run(context.Background(), n, e.limit, f)...)
}
