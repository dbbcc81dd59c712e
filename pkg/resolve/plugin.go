package resolve

import (
	"cmp"
	"context"
	"errors"
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
)

// plugin is what is known of one plugin. Its versions are listed once and each
// of its releases is read once, however many attempts there are to solve.
type plugin struct {
	name       string
	entry      manifest.Plugin // zero if only another plugin requires it
	listed     bool            // the manifest has it
	constraint *artifact.Constraint
	locked     *lockfile.Plugin  // the entry that can be kept as it is; nil if there is none
	extended   *artifact.Release // locked, read again because a declared platform is missing from it
	relocated  *lockfile.Plugin  // the entry whose repository alone the manifest no longer names: its release is preferred
	upgrade    bool              // the locked version is not preferred
	moved      bool              // the locked tag is, which was not accepted: the entry stays

	listing    sync.Once
	listErr    error
	repository string
	reader     artifact.Reader
	tags       []string
	versions   []*version // the one to prefer first
	byID       map[string]*version
}

// version is one version of a plugin, or the one release that a tag or digest
// entry names.
type version struct {
	id        string          // unique among the plugin's
	semver    *semver.Version // nil if the release states none
	candidate artifact.Candidate

	reading sync.Once
	release *artifact.Release // nil before reading, and where err or reason is set
	offered []artifact.Platform
	err     error
	reason  *reason // why it can never be taken

	withdrawals []artifact.Withdrawal // of it, counted or not, as far as they were asked for
	malformed   bool                  // reason is that its manifest cannot be followed
}

// plugin returns the plugin of a name.
func (r *resolver) plugin(name string) *plugin {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.plugins[name]
	if p == nil {
		p = &plugin{name: name}
		p.entry, p.listed = r.o.Manifest.Plugin(name)
		p.constraint = p.entry.Constraint()
		r.plugins[name] = p
	}
	return p
}

// wants reports what the manifest asks of p, as its author wrote it.
func (p *plugin) wants() string {
	switch {
	case p.entry.Tag != "":
		return "tag " + p.entry.Tag
	case p.entry.Digest != "":
		return "digest " + shortDigest(p.entry.Digest)
	}
	return p.entry.Version
}

// floating reports whether p's entry names a tag that is meant to move.
func (p *plugin) floating() bool {
	_, isVersion := artifact.ParseTag(p.entry.Tag)
	return p.entry.Tag != "" && !isVersion
}

// versionID is what stands for a release that states no version.
func versionID(version, tag string, d digest.Digest) string {
	return cmp.Or(version, tag, shortDigest(d))
}

// shortDigest returns enough of a digest to tell it from others.
func shortDigest(d digest.Digest) string {
	if len(d) > 19 {
		return string(d[:19])
	}
	return string(d)
}

// list finds p's repository and the versions in it. Errors: the Catalog's,
// *NoRepositoryError.
func (r *resolver) list(ctx context.Context, p *plugin) error {
	p.listing.Do(func() {
		if p.entry.Tag != "" || p.entry.Digest != "" {
			p.listErr = r.listReference(ctx, p)
		} else {
			p.listErr = r.listTags(ctx, p)
		}
		p.byID = make(map[string]*version, len(p.versions))
		for _, v := range p.versions {
			p.byID[v.id] = v
		}
	})
	return p.listErr
}

func (r *resolver) listTags(ctx context.Context, p *plugin) error {
	err := r.find(p, func(repository string) (err error) {
		return r.limit.Do(ctx, func() error {
			p.tags, err = r.catalog.Tags(ctx, repository)
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, c := range artifact.Candidates(p.tags) {
		p.versions = append(p.versions, &version{id: c.Version.String(), semver: c.Version, candidate: c})
	}
	return nil
}

// listReference reads the one release that a tag or digest names.
func (r *resolver) listReference(ctx context.Context, p *plugin) error {
	var release *artifact.Release
	references := []string{cmp.Or(p.entry.Tag, p.entry.Digest.String())}
	if p.relocated != nil { // what the tag named when it was locked
		references = slices.Insert(references, 0, p.relocated.Digest.String())
	}
	err := r.find(p, func(repository string) (err error) {
		return r.limit.Do(ctx, func() error {
			for _, reference := range references {
				err = nil
				if reference != p.entry.Tag { // what a digest names may be remembered from another repository
					_, err = p.reader.Resolve(ctx, reference)
				}
				if err == nil {
					release, err = artifact.ReadReferenceFor(ctx, p.reader, p.name, reference, r.o.Manifest.Platforms)
				}
				if !errors.Is(err, artifact.ErrNotFound) {
					break
				}
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	release.Tag = p.entry.Tag
	v := &version{id: versionID(release.Version, p.entry.Tag, p.entry.Digest)}
	v.semver, _ = semver.StrictNewVersion(release.Version)
	v.reading.Do(func() {
		r.record(p, v, release)
		v.err = r.withdrawn(ctx, p, v)
	})
	p.versions = []*version{v}
	return v.err
}

// find looks into p's locations in order. Only one that does not exist makes
// room for the next; in the built-in list an anonymous denial does so too, as
// some registries deny what does not exist.
func (r *resolver) find(p *plugin, look func(repository string) error) error {
	none := &NoRepositoryError{Plugin: p.name, Pos: p.entry.Pos}
	switch {
	case p.entry.Tag != "":
		none.Wants = "tag " + p.entry.Tag
	case p.entry.Digest != "":
		none.Wants = "digest " + p.entry.Digest.String()
	}
	for _, l := range r.o.Manifest.Locations(p.name, r.o.Override) {
		var err error
		p.repository = l.Repository
		if p.reader, err = r.catalog.Reader(l.Repository); err != nil {
			return err
		}
		err = look(l.Repository)
		if errors.Is(err, artifact.ErrNotFound) || l.BuiltIn && errors.Is(err, artifact.ErrDenied) {
			none.Tried = append(none.Tried, Tried{l.Repository, err})
			continue
		}
		return err
	}
	return none
}

// read reads a version's release. The error is the Catalog's; what is wrong
// with the release itself is v.reason.
func (r *resolver) read(ctx context.Context, p *plugin, v *version) error {
	v.reading.Do(func() {
		want := r.o.Manifest.Platforms
		if missing := tagless(v.candidate, want); len(missing) > 0 {
			v.offered = tagPlatforms(v.candidate)
			v.reason = lacksReason(missing)
			return
		}
		var release *artifact.Release
		err := r.limit.Do(ctx, func() (err error) {
			release, err = artifact.ReadFor(ctx, p.reader, p.name, v.candidate, want)
			return err
		})
		var format *artifact.FormatError
		switch {
		case errors.As(err, &format):
			v.reason = &reason{Broken, "is not a release", "is not a release: " + format.Error()}
			v.malformed = errors.As(err, new(*artifact.DocumentError))
		case errors.Is(err, artifact.ErrNotFound):
			v.reason = &reason{Deleted, "is no longer there", "is no longer there"}
		case err != nil:
			v.err = err
		default:
			r.record(p, v, release)
			v.err = r.withdrawn(ctx, p, v)
		}
	})
	return v.err
}

// record records a version's release and judges it.
func (r *resolver) record(p *plugin, v *version, release *artifact.Release) {
	v.release, v.offered = release, release.Offered
	v.reason = r.unusableReason(p, release)
}

// unusableReason reports why a release can never be taken, nil if it can. What others
// have to say of it, the host included, is the solver's.
func (r *resolver) unusableReason(p *plugin, release *artifact.Release) *reason {
	if lacks := missing(r.o.Manifest.Platforms, release.Offered); len(lacks) > 0 {
		return lacksReason(lacks)
	}
	// What a digest names was chosen by a person, and what is locked was taken
	// by this rule before.
	age := r.o.Manifest.MinimumAgeOf(p.entry)
	if age == 0 || p.entry.Digest != "" || p.isLocked(release) {
		return nil
	}
	switch {
	case release.Created.IsZero():
		text := "states no date, and minimum-age is " + duration.Format(age)
		return &reason{Undated, text, text}
	case r.o.Now.Sub(release.Created) < age:
		text := "is younger than " + duration.Format(age)
		return &reason{Age, text, text + ", of " + release.Created.UTC().Format(time.RFC3339)}
	}
	return nil
}

// isLocked reports whether a release is what p's lock entry holds.
func (p *plugin) isLocked(release *artifact.Release) bool {
	l := cmp.Or(p.relocated, p.locked)
	if l == nil || l == p.locked && l.Repository != p.repository || l.Version != release.Version || l.Digest != release.Digest {
		return false
	}
	for _, b := range release.Builds {
		if q, ok := l.Platform(b.Platform); ok && q.Manifest != b.Manifest {
			return false
		}
	}
	return true
}

// tagless returns the platforms among want that a version cannot offer, as its
// tags alone tell: it has none for all platforms and none for those.
func tagless(c artifact.Candidate, want []artifact.Platform) []artifact.Platform {
	if c.Tag != "" {
		return nil
	}
	return missing(want, tagPlatforms(c))
}

func tagPlatforms(c artifact.Candidate) []artifact.Platform {
	out := make([]artifact.Platform, len(c.Platforms))
	for i, pt := range c.Platforms {
		out[i] = pt.Platform
	}
	return out
}

// missing returns what of want is not in have.
func missing(want, have []artifact.Platform) []artifact.Platform {
	var out []artifact.Platform
	for _, w := range want {
		if !slices.Contains(have, w) {
			out = append(out, w)
		}
	}
	return out
}

func lacksReason(missing []artifact.Platform) *reason {
	text := "offers no " + strings.ReplaceAll(artifact.JoinPlatforms(missing), ", ", " and no ")
	return &reason{Platform, text, text}
}
