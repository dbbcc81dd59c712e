// Package doctor looks at everything that drivers depend on: home, host, lock,
// installed files, what the host would load, trust rules, registries. It finds
// facts and has no words for them. Nothing is changed.
package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins/signed"
)

// State is how bad a finding is.
type State string

// The states.
const (
	OK      State = "ok"
	Advice  State = "advice"
	Problem State = "problem" // a locked driver would not load
)

// Code is what was found.
type Code int

// The codes, each with the check that finds it and the facts that it has.
const (
	HomeUnwritable   Code = iota // home: Err
	HomeMissing                  // home: it is made when it is needed
	HomeFull                     // home: Bytes that are free, -1 if that is unknown
	HomeFine                     // home: Bytes that are free, -1 if that is unknown
	HostMissing                  // host: none on PATH
	HostFound                    // host
	NoManifest                   // manifest: nor a lock
	LockCurrent                  // lock
	LockMissing                  // lock
	LockStale                    // lock: Err, a *project.StaleError
	LockOther                    // lock: Err, *project.PlatformErrors: it does not serve this machine
	AliasCosts                   // alias: Names
	DriverFine                   // driver: Status; Locked
	DriverTouched                // driver: as it should be, but its receipt no longer vouches for it
	DriverUnrecorded             // driver: as it should be, without a receipt
	DriverElsewhere              // driver: not in a folder where the host looks
	DriverUnstarted              // driver: the host finds it first and never starts it
	DriverUnjudged               // driver: foreign, and it may be the locked one
	DriverForeign                // driver
	DriverHidden                 // driver: the host takes First, and this project does not mind
	DriverShadowed               // driver: the host takes First instead of the locked one
	DriverUnused                 // driver
	DriverOverridden             // driver: Names, the path of what stands in its place and what is to say of it
	DriverBad                    // driver: Status
	NotExecutable                // executable: Err
	NoExec                       // executable: its file system is mounted noexec, or keeps it from this user
	NotGo                        // executable: nothing can be told of how it was built
	Stub                         // executable: Names, the module that needs cgo and was built without
	OtherPlatform                // executable: Names, the platform that it is for
	ProbeFailed                  // probe: Err
	ProbeFine                    // probe: Identity
	TrustState                   // trust: Trusted
	RegistryFails                // registry, mirror: Err
	RegistryOpen                 // registry, mirror: no login is needed
	RegistryKnows                // registry, mirror: Names, who is logged in
	RegistryAsks                 // registry, mirror: nobody is logged in
	ClockOff                     // clock: Skew
	ReleaseWithdrawn             // withdrawn: Withdrawn, Instead, Newer
)

// Finding is what one check saw.
type Finding struct {
	Check   string // home, host, manifest, lock, alias, driver, executable, probe, trust, registry, mirror, clock, withdrawn
	Subject string // a path, a driver, a host
	State   State
	Code    Code

	Err      error
	Bytes    int64
	Names    []string
	Locked   bool // it is one of the lock's files
	Status   install.Status
	First    install.Found
	Identity *probe.Identity
	Trusted  Trusted
	Skew     time.Duration

	Withdrawn project.Withdrawn
	Instead   string // the version to take in its place; "" for none
	Newer     bool   // it is newer
}

// Options are what is looked at.
type Options struct {
	Project    *project.Project
	Platform   artifact.Platform
	SearchPath []string                 // where the host looks, install.SearchPath
	LookPath   func(name string) string // finds a program on PATH; "" for none
	Probe      bool                     // start each installed driver once
	Verifier   *signed.Verifier
	Machine    []*policy.Policy // this machine's rules
	Repository func(name string) (registry.Repository, error)

	// Client asks registries: nil for none of it.
	Client     func() (*registry.Client, error)
	Namespaces []string // where drivers are of a manifest that names no registry
	Mirrors    []string // repositories or hosts
	Now        func() time.Time
}

type examination struct {
	Options
	lock     *lockfile.Lock
	findings []Finding
}

func (x *examination) add(check, subject string, state State, code Code, facts ...func(*Finding)) {
	f := Finding{Check: check, Subject: subject, State: state, Code: code}
	for _, fact := range facts {
		fact(&f)
	}
	x.findings = append(x.findings, f)
}

func because(err error) func(*Finding)      { return func(f *Finding) { f.Err = err } }
func bytes(n int64) func(*Finding)          { return func(f *Finding) { f.Bytes = n } }
func named(names ...string) func(*Finding)  { return func(f *Finding) { f.Names = names } }
func by(first install.Found) func(*Finding) { return func(f *Finding) { f.First = first } }
func of(s install.Status, locked bool) func(*Finding) {
	return func(f *Finding) { f.Status, f.Locked = s, locked }
}

// Examine checks everything, in this order: home, host, manifest and lock, drivers,
// trust, registries. Errors are those of files that cannot be read: manifest, lock,
// receipts.
func Examine(ctx context.Context, o Options) ([]Finding, error) {
	x := &examination{Options: o}
	x.home()
	x.host()
	if err := x.project(); err != nil {
		return nil, err
	}
	// That there is no home, or none that this user may read, was found.
	if err := x.drivers(ctx); err != nil && !errors.As(err, new(*install.NoHomeError)) && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	if err := x.trust(); err != nil {
		return nil, err
	}
	if o.Client != nil {
		x.registries(ctx)
		x.withdrawn(ctx)
	}
	return x.findings, nil
}

// littleRoom is how much free space is worth a word, in bytes: an archive and
// two copies of a driver.
const littleRoom = 256 << 20

// home checks the folder that drivers, store and receipts are kept in.
func (x *examination) home() {
	installer := x.Project.Installer()
	dir, on := installer.Home().Dir(), installer.Condition()
	switch {
	case on.Writable != nil:
		x.add("home", dir, Advice, HomeUnwritable, because(on.Writable))
	case !on.Exists:
		x.add("home", dir, OK, HomeMissing)
	case on.Free >= 0 && on.Free < littleRoom:
		x.add("home", dir, Advice, HomeFull, bytes(on.Free))
	default:
		x.add("home", dir, OK, HomeFine, bytes(on.Free))
	}
}

// host looks for SchemaHero itself, which loads the drivers.
func (x *examination) host() {
	const name = "kubectl-schemahero"
	if path := x.LookPath(name); path != "" {
		x.add("host", path, OK, HostFound)
		return
	}
	x.add("host", name, Advice, HostMissing)
}

// project checks manifest and lock.
func (x *examination) project() (err error) {
	p := x.Project
	if x.lock, err = p.ReadLock(); err != nil {
		return err
	}
	if !exists(p.ManifestFile()) {
		if x.lock == nil {
			x.add("manifest", p.ManifestFile(), Advice, NoManifest)
		}
		return nil
	}
	err = p.CheckLock()
	stale, isStale := err.(*project.StaleError)
	switch {
	case err == nil:
		x.add("lock", p.LockFile(), OK, LockCurrent)
	case isStale && stale.Missing:
		x.add("lock", p.LockFile(), Advice, LockMissing)
	case isStale:
		x.add("lock", p.LockFile(), Advice, LockStale, because(stale))
	default:
		return err
	}
	return nil
}

// manifest is nil if there is none.
func (x *examination) manifest() (*manifest.Manifest, error) {
	if !exists(x.Project.ManifestFile()) {
		return nil, nil
	}
	return x.Project.Manifest()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
