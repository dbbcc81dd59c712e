// Package resolve turns a manifest and what registries hold into a lock.
//
// Resolve chooses, for each driver, the highest version that its constraint
// admits and that offers every declared platform, and keeps what is locked as
// long as it satisfies the manifest. Stale tells without any network whether a
// lock satisfies a manifest; Explain, Versions, Outdated and Tree answer what
// people ask of a lock; Check finds tags that moved.
package resolve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/duration"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pubgrub"
)

// Catalog is what registries hold. Its methods are called from several
// goroutines at a time.
type Catalog interface {
	// Tags returns all tags of a repository (host/path, or oci-layout:DIR), in
	// any order. The error matches artifact.ErrNotFound where the repository
	// does not exist, and artifact.ErrDenied where the registry refused a
	// request that bore no credentials.
	Tags(ctx context.Context, repository string) ([]string, error)
	// Reader returns a reader of the repository; it asks nothing yet.
	Reader(repository string) (artifact.Reader, error)
	// Withdrawals returns what withdraws a digest of a plugin, a release's root,
	// and whether it counts; an error if that has to be known and is not.
	Withdrawals(ctx context.Context, plugin, repository string, root digest.Digest) ([]artifact.Withdrawal, error)
}

// Options say what to resolve, and how far to leave what is locked alone.
type Options struct {
	Manifest *manifest.Manifest
	Locked   *lockfile.Lock // nil if there is none
	Override string         // SCHEMAHERO_PLUGIN_REGISTRY, see manifest.Locations
	Now      time.Time      // for minimum-age

	UpgradeAll bool              // no locked version is preferred
	Upgrade    []string          // those of these plugins are not
	Precise    map[string]string // the version to take, by plugin; implies Upgrade

	// CheckMoved asks the registry whether the locked tags still name what is
	// locked: one request for each.
	CheckMoved bool
	// AcceptMoved names plugins whose tag may have moved: what it names now, or
	// a newer version, is taken. It implies CheckMoved.
	AcceptMoved []string
}

// Result is what Resolve found.
type Result struct {
	Lock     *lockfile.Lock
	Skipped  []Skipped // newer versions that were passed over, by plugin, the newest first
	Notes    []Note
	Warnings []error // *artifact.StatedError of what was chosen all the same
	Moved    []Moved // entries that were kept although, or found while, their tags changed; with CheckMoved all
}

// Skipped is a version that the constraint admits and that was passed over for
// an older one.
type Skipped struct {
	Plugin  string
	Version string
	Verdict Verdict // platform, age, undated, host, conflict, broken, deleted or withdrawn
	Detail  string  // why, as a predicate: "offers no linux/arm64"
}

// String returns "postgres 0.1.4: offers no linux/arm64".
func (s Skipped) String() string { return s.Plugin + " " + s.Version + ": " + s.Detail }

// Note is something that the user should know and that is not a failure.
type Note struct {
	Plugin string
	Text   string
}

// String returns "postgres: TEXT".
func (n Note) String() string { return n.Plugin + ": " + n.Text }

// maxRequests is how many requests, or groups of requests for one release, are under
// way at a time.
const maxRequests = 48

// resolver knows what was asked of the registries so far.
type resolver struct {
	catalog Catalog
	o       Options
	limit   parallel.Limit

	mu       sync.Mutex
	plugins  map[string]*plugin
	notes    []Note
	warnings []error
	moved    []Moved
}

func newResolver(c Catalog, o Options) *resolver {
	return &resolver{catalog: c, o: o, limit: parallel.NewLimit(maxRequests), plugins: map[string]*plugin{}}
}

// Resolve chooses a release for each plugin that the manifest lists and for
// each that those require. What is locked stays as long as it satisfies the
// manifest, without any request, unless it is to be upgraded; it gives way
// only if the plugins would not go together otherwise.
//
// Errors, several of them joined in the order of the manifest:
// *NoRepositoryError, *NoVersionError, *PlatformError, *ConflictError,
// *MovedError, *UnknownPluginError, *artifact.SumError with the plugin in
// front, the Catalog's.
func Resolve(ctx context.Context, c Catalog, o Options) (*Result, error) {
	r := newResolver(c, o)
	a, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	solution, err := a.solveOrExplain(ctx)
	if err != nil {
		return nil, err
	}
	return a.result(ctx, solution)
}

// solveOrExplain is solve with a failure in the manifest's words.
func (a *attempt) solveOrExplain(ctx context.Context) (map[string]string, error) {
	solution, err := a.solve(ctx)
	if failure, ok := errors.AsType[*pubgrub.Failure](err); ok {
		return nil, a.failed(ctx, failure)
	}
	return solution, err
}

// begin decides what stays and asks for the rest.
func (r *resolver) begin(ctx context.Context) (*attempt, error) {
	for _, name := range slices.Concat(r.o.Upgrade, r.o.AcceptMoved, slices.Sorted(maps.Keys(r.o.Precise))) {
		_, listed := r.o.Manifest.Plugin(name)
		if _, locked := r.o.Locked.Plugin(name); !listed && !locked {
			return nil, &UnknownPluginError{name}
		}
	}
	fixed, err := r.classifyLocked(ctx)
	if err != nil {
		return nil, err
	}
	a := &attempt{resolver: r, fixed: fixed, precise: map[string]string{}}
	for name, text := range r.o.Precise {
		a.precise[name] = text
		if v, err := semver.StrictNewVersion(strings.TrimPrefix(text, "v")); err == nil {
			a.precise[name] = v.String()
		}
	}
	if err := a.prefetch(ctx); err != nil {
		return a, err
	}
	return a, a.checkPrecise(ctx)
}

// result makes a lock of a solution.
func (a *attempt) result(ctx context.Context, solution map[string]string) (*Result, error) {
	names := slices.Sorted(maps.Keys(solution))
	entries := make([]lockfile.Plugin, len(names))
	err := parallel.Each(ctx, len(names), 0, func(i int) (err error) {
		entries[i], err = a.entry(ctx, a.plugin(names[i]), solution[names[i]])
		return err
	})
	if err != nil {
		return nil, err
	}
	for name := range a.stated {
		if _, ok := solution[name]; ok {
			a.note(name, "states no version, so what other drivers require of it is taken to be met")
		}
	}
	for name := range a.precise {
		a.noteAge(a.plugin(name), solution[name])
	}
	lock := &lockfile.Lock{Plugins: entries}
	lock.Sort()
	slices.SortFunc(a.notes, func(x, y Note) int { return strings.Compare(x.String(), y.String()) })
	slices.SortFunc(a.warnings, func(x, y error) int { return strings.Compare(x.Error(), y.Error()) })
	slices.SortStableFunc(a.moved, func(x, y Moved) int { return strings.Compare(x.Plugin, y.Plugin) })
	return &Result{Lock: lock, Skipped: a.skipped(solution), Notes: a.notes, Warnings: a.warnings, Moved: a.moved}, nil
}

// entry returns the lock entry of a chosen version: the locked one if that
// was chosen, else a new one, whose checksums are checked.
func (a *attempt) entry(ctx context.Context, p *plugin, id string) (lockfile.Plugin, error) {
	locked := p.locked
	if a.isLockedEntry(p, id) {
		if why := a.fallbackReason(p, id); why != "" {
			a.note(p.name, "%s is kept, as it is locked: %s", entryText(locked), why)
		}
		if p.extended == nil {
			return a.keptEntry(p), nil
		}
		a.warn(p.extended.CheckStated(p.extended.Version))
		e := newEntry(p, locked.Repository, p.extended)
		e.Signature = locked.Clone().Signature
		reader, err := a.catalog.Reader(locked.Repository)
		if err != nil {
			return e, err
		}
		return e, a.checkSums(ctx, p, reader, p.extended)
	}
	release := p.byID[id].release
	e := newEntry(p, p.repository, release)
	if locked != nil && locked.Repository == e.Repository && locked.Version == e.Version && !p.floating() {
		switch shared, differs := compareContent(locked, &e); {
		case shared && !differs:
			e.Signature = locked.Clone().Signature
		case differs && !slices.Contains(a.o.AcceptMoved, p.name):
			a.recordMoved(p, &e)
			return a.keptEntry(p), nil
		}
	}
	a.warn(release.CheckStated(release.Version))
	a.noteRelocated(p, &e)
	return e, a.checkSums(ctx, p, p.reader, release)
}

// noteAge reports how a version that somebody asked for stands to minimum-age.
func (a *attempt) noteAge(p *plugin, id string) {
	age, v := a.o.Manifest.MinimumAgeOf(p.entry), p.byID[id]
	switch {
	case age == 0 || p.entry.Digest != "" || v == nil || v.release == nil:
	case p.isLocked(v.release):
		a.note(p.name, "%s is locked already, so minimum-age %s does not count", id, duration.Format(age))
	default:
		a.note(p.name, "%s passes minimum-age %s: it is of %s", id, duration.Format(age), v.release.Created.UTC().Format(time.RFC3339))
	}
}

// warn records what a release should not have, and is taken with.
func (a *attempt) warn(err error) {
	if err == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.warnings = append(a.warnings, err)
}

// noteRelocated tells if an entry is not what was locked in another place.
func (a *attempt) noteRelocated(p *plugin, e *lockfile.Plugin) {
	was := p.relocated
	if was == nil {
		return
	}
	id := versionID(was.Version, was.Tag, was.Digest)
	switch v := p.byID[id]; {
	case versionID(e.Version, e.Tag, e.Digest) == id:
		if _, differs := compareContent(was, e); differs {
			a.note(p.name, "%s in %s has other content than what was locked from %s", id, e.Repository, was.Repository)
		}
	case v == nil:
		a.note(p.name, "%s, which was locked from %s, is not in %s", id, was.Repository, e.Repository)
	case v.reason != nil:
		a.note(p.name, "%s, which was locked from %s, %s", id, was.Repository, v.reason.detail)
	}
}

// keptEntry returns p's locked entry with the manifest's aliases.
func (a *attempt) keptEntry(p *plugin) lockfile.Plugin {
	e := p.locked.Clone()
	e.Aliases = slices.Clone(p.entry.Aliases)
	return e
}

// recordMoved records that a version's tag was seen to name something else than
// what is locked.
func (a *attempt) recordMoved(p *plugin, now *lockfile.Plugin) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := p.locked
	m := Moved{Plugin: p.name, Repository: l.Repository, Tag: l.Tag, Locked: l.Digest, Now: now.Digest, Kind: TagMoved}
	for _, q := range l.Platforms {
		if n, ok := now.Platform(q.Platform); ok && l.Digest == now.Digest && n.Manifest != q.Manifest {
			m.Tag, m.Platform, m.Locked, m.Now = q.Tag, q.Platform, q.Manifest, n.Manifest
			break
		}
	}
	if !slices.ContainsFunc(a.moved, func(other Moved) bool { return other.Plugin == p.name }) {
		a.moved = append(a.moved, m)
	}
}

// checkSums checks the builds of a release against the checksums published with
// them.
func (a *attempt) checkSums(ctx context.Context, p *plugin, reader artifact.Reader, release *artifact.Release) error {
	return parallel.Each(ctx, len(release.Builds), 0, func(i int) error {
		err := a.limit.Do(ctx, func() error { return artifact.CheckSum(ctx, reader, release.Builds[i]) })
		if err != nil {
			return fmt.Errorf("%s %s: %w", p.name, versionID(release.Version, release.Tag, release.Digest), err)
		}
		return nil
	})
}

// note records something for the user.
func (r *resolver) note(plugin, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, Note{plugin, fmt.Sprintf(format, args...)})
}
