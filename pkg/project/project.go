// Package project is a manifest with its lock, and what the command line does
// with the two: lock, sync, update, and the questions about them. The public
// package plugins is the part of it that other programs embed.
package project

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// ManifestName is the manifest's file name.
const ManifestName = "schemahero-plugins.toml"

// Options are what a Project needs to know of its surroundings.
type Options struct {
	Version   string                                               // of this program, for a manifest's required-version; "" for the source's
	Home      string                                               // folder of drivers, store and receipts, absolute
	Platform  artifact.Platform                                    // of this machine
	Registry  *registry.Client                                     // the one way to registries
	Override  string                                               // SCHEMAHERO_PLUGIN_REGISTRY: VALUE-NAME is where a driver is, if the manifest names no registry
	Overrides map[string]config.Override                           // drivers under development on this machine, by name
	CI        bool                                                 // this is a CI job, in which nothing is overridden
	Offline   bool                                                 // only tells, and lists all that is missing: Registry is what refuses
	Machine   []*policy.Policy                                     // the trust rules of this machine, all of which must be satisfied
	Verifier  Verifier                                             // nil: what a trust rule asks a signature of is refused
	Probe     func(context.Context, install.Item, string) error    // starts a driver; needed for SyncOptions.Probe
	Fetch     install.Fetcher                                      // nil: layers come through Registry
	Source    func(repository string) (registry.Repository, error) // nil: Registry.Repository
	Progress  func(install.Event)                                  // nil: silence
	Learnt    func(install.Layer, unpack.Facts)                    // told what a layer is that was fetched, from several goroutines; may be nil
	Now       func() time.Time                                     // nil: time.Now
	Link      bool                                                 // installed files may be hard links to the store's
}

// Project is a manifest and its lock.
type Project struct {
	o         Options
	manifest  string         // absolute path
	lock      string         // absolute path
	given     *lockfile.Lock // stands for what is in lock; nil without OpenWith
	installer *install.Installer
	catalog   *catalog
}

// FindManifest returns the manifest in dir or the nearest folder above it.
// Errors: *manifest.NotFoundError.
func FindManifest(dir string) (string, error) { return manifest.Find(dir) }

// Open returns the project of a manifest, an absolute path. Nothing is read
// yet.
func Open(manifestFile string, o Options) *Project {
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Project{o: o, manifest: manifestFile, lock: manifest.LockPath(manifestFile)}
	p.installer, p.catalog = o.Installer(), &catalog{o: o}
	return p
}

// OpenWith is Open with a lock from elsewhere, a bundle's, in the place of the
// project's own. A sync keeps it in lockFile, absolute, which claims what is
// installed; it must be a frozen one.
func OpenWith(manifestFile, lockFile string, lock *lockfile.Lock, o Options) *Project {
	p := Open(manifestFile, o)
	p.lock, p.given = lockFile, lock
	return p
}

// Installer returns the installer of these options, for what needs no project.
func (o Options) Installer() *install.Installer {
	fetch := o.Fetch
	if fetch == nil {
		fetch = fetcher{o}
	}
	return install.Open(install.NewHome(o.Home), install.Options{
		Fetch: fetch, Events: o.Progress, Learnt: o.Learnt, Probe: o.Probe, Host: o.Platform, Now: o.Now, Link: o.Link,
	})
}

// ManifestFile and LockFile return the project's files, absolute.
func (p *Project) ManifestFile() string { return p.manifest }

// LockFile returns the lock's path, absolute.
func (p *Project) LockFile() string { return p.lock }

// Installer returns the installer that the project works with.
func (p *Project) Installer() *install.Installer { return p.installer }

// repository opens a repository of the lock or manifest.
func (o Options) repository(name string) (registry.Repository, error) {
	if o.Source != nil {
		return o.Source(name)
	}
	return o.Registry.Repository(name)
}

// fetcher gives the installer its layers.
type fetcher struct{ o Options }

// Fetch implements install.Fetcher.
func (f fetcher) Fetch(ctx context.Context, l install.Layer) (io.ReadCloser, error) {
	repo, err := f.o.repository(l.Repository)
	if err != nil {
		return nil, err
	}
	return repo.Blob(ctx, artifact.AsBlob(l.Digest, l.Size))
}

// inputs are a project's files as they were read.
type inputs struct {
	manifest *manifest.Manifest // nil if there is none
	onDisk   []byte             // the manifest as it stands, nil if there is none
	edited   []byte             // what it shall become; onDisk if nothing is edited
	lock     *lockfile.Lock     // nil if there is none
	before   *lockfile.Lock     // what was locked, for who signed it and for telling what changes: lock, or our side of one that was merged
	lockData []byte
	merged   bool // lock was put together from two, and is not what any file says
}

// edit changes a manifest's text.
type edit func(data []byte) ([]byte, error)

// load reads manifest and lock at the same time, and applies an edit to the former. A
// missing lock is none; a missing manifest is an error unless optional.
func (p *Project) load(e edit, optional bool) (*inputs, error) {
	in := &inputs{}
	files := []func() error{func() error { return p.loadManifest(in, e, optional) }, func() error { return p.loadLock(in) }}
	errs := parallel.Errors(context.Background(), len(files), 0, func(i int) error { return files[i]() })
	return in, parallel.First(errs)
}

func (p *Project) loadManifest(in *inputs, e edit, optional bool) (err error) {
	if in.onDisk, err = diag.ReadFile(p.manifest, diag.TooLarge); errors.Is(err, fs.ErrNotExist) && optional {
		in.onDisk = nil
	} else if errors.Is(err, fs.ErrNotExist) {
		return &manifest.NotFoundError{Dir: filepath.Dir(p.manifest), File: p.manifest}
	} else if err != nil {
		return err
	}
	in.edited = in.onDisk
	if in.onDisk != nil {
		if in.manifest, err = manifest.ParseFor(p.o.Version, p.manifest, in.onDisk); err != nil {
			return err
		}
	}
	if e != nil {
		before := in.manifest
		if in.edited, err = e(in.onDisk); err != nil {
			return err
		}
		if in.manifest, err = manifest.Parse(p.manifest, in.edited); err != nil {
			return err
		}
		in.manifest.KeepPlaces(before)
	}
	return nil
}

func (p *Project) loadLock(in *inputs) error {
	data, err := lockfile.ReadFile(p.lock)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	in.lockData = data
	in.lock, err = lockfile.Parse(p.lock, data)
	in.before = in.lock
	return err
}

// Manifest reads the manifest. Errors: *diag.Error, *manifest.NotFoundError.
func (p *Project) Manifest() (*manifest.Manifest, error) {
	m, err := manifest.Load(p.o.Version, p.manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &manifest.NotFoundError{Dir: filepath.Dir(p.manifest), File: p.manifest}
	}
	return m, err
}

// ReadLock reads the lock, nil if there is none. Errors: those of
// lockfile.Parse.
func (p *Project) ReadLock() (*lockfile.Lock, error) {
	if p.given != nil {
		return p.given, nil
	}
	in := &inputs{}
	err := p.loadLock(in)
	return in.lock, err
}

// unchanged reports whether the files are still as they were read.
func (p *Project) unchanged(in *inputs) bool {
	same := func(now []byte, err error, data []byte) bool {
		if errors.Is(err, fs.ErrNotExist) {
			return data == nil
		}
		return err == nil && data != nil && string(now) == string(data)
	}
	text, err := diag.ReadFile(p.manifest, diag.TooLarge)
	if !same(text, err, in.onDisk) {
		return false
	}
	text, err = lockfile.ReadFile(p.lock)
	return same(text, err, in.lockData)
}
