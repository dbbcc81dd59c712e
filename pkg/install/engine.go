package install

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install/internal/flow"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// Options are what an engine is given from outside. The zero value works for
// everything but fetching.
type Options struct {
	Fetch    Fetcher                                                 // needed by Stage
	Events   func(Event)                                             // progress; nil: none
	Parallel int                                                     // layers and files at once; 0: as many as processors, 2 to 4
	Probe    func(ctx context.Context, item Item, path string) error // starts the driver at path; for PlaceOptions.Probe
	Host     artifact.Platform                                       // only its drivers are probed
	Now      func() time.Time                                        // nil: time.Now
}

// Engine installs drivers for one home. It may be used by several goroutines,
// and any number of processes may have one on the same home.
type Engine struct {
	home     Home
	o        Options
	disk     disk.Disk
	store    store
	buffers  flow.Buffers
	unpacker *unpack.Unpacker

	events sync.Mutex // held while o.Events runs
}

// Open returns an engine. It touches nothing until it is used.
func Open(home Home, o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{home: home, o: o, store: store{dir: home.Store()}, unpacker: unpack.New()}
	var once sync.Once
	e.disk.NoLocks = func(path string) {
		once.Do(func() { e.emit(Event{Kind: EventNoLocks, Path: filepath.Dir(path)}) })
	}
	return e
}

// Home returns the engine's home.
func (e *Engine) Home() Home { return e.home }

func (e *Engine) emit(ev Event) {
	if e.o.Events == nil {
		return
	}
	e.events.Lock()
	defer e.events.Unlock()
	e.o.Events(ev)
}
