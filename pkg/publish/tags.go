package publish

import (
	"context"
	"errors"
	"slices"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// TagMove is a tag that was set.
type TagMove struct {
	Tag      string
	Digest   digest.Digest
	Previous digest.Digest // what it named before; "" for a new tag
}

// RefusedError says that a registry would not set a tag: mostly because the
// repository's tags never move.
type RefusedError struct {
	Tag string
	Err error // with what the registry says
}

func (e *RefusedError) Error() string { return e.Err.Error() }

// Kind is that of Err if the registry refuses who asks, and fault.Failure
// if it refuses what was asked.
func (e *RefusedError) Kind() fault.Kind {
	if fault.Of(e.Err) == fault.Denied {
		return fault.Denied
	}
	return fault.Failure
}

func (e *RefusedError) Unwrap() error { return e.Err }

// refusal makes a *RefusedError of what says that a registry would not set a
// tag, and leaves other errors as they are.
func refusal(tag string, err error) error {
	if err != nil && registry.IsRefusal(err) {
		return &RefusedError{tag, err}
	}
	return err
}

// setTags sets what does not stand right yet: the version's own tag, from which
// on the release is there, then those of its platforms and the floating ones.
// Before each of the two steps the version is looked at once more, and where
// somebody else was faster nothing is set.
func (p *publication) setTags(ctx context.Context) error {
	own := p.report.Tag
	move, err := p.move(ctx, own, p.graph.document)
	if err != nil {
		return err
	}
	if move != nil && move.Previous != p.replaces {
		return p.overtaken(move)
	}
	if move != nil {
		if err := p.set(ctx, move, p.graph.document); err != nil {
			return err
		}
		if p.to != nil && !p.o.DryRun {
			if err := p.listTags(ctx); err != nil { // others have gone on
				return err
			}
			if move, err = p.move(ctx, own, p.graph.document); err != nil {
				return err
			} else if move != nil {
				return p.overtaken(move)
			}
		}
	}
	p.report.Left = left(p.tags, p.version, p.graph)
	parts := p.graph.tagged()
	err = parallel.EachUntil(ctx, len(parts), atOnce, func(i int) error {
		return p.setTag(ctx, platformTag(p.version, parts[i].platform), parts[i].document)
	})
	if err != nil {
		return err
	}
	if err := p.setHostTags(ctx); err != nil || p.o.NoFloatingTags {
		return err
	}
	for _, tag := range artifact.FloatingTags(p.tags, p.version) {
		if err := p.setFloating(ctx, tag, p.graph.document); err != nil {
			return err
		}
	}
	return nil
}

// setHostTags sets the tags under which the host asks for a platform's manifest.
func (p *publication) setHostTags(ctx context.Context) error {
	if !p.o.HostTags {
		return nil
	}
	for _, part := range p.graph.tagged() {
		for i, tag := range artifact.HostTags(p.tags, p.version, part.platform) { // the version's own first
			set := p.setTag
			if i > 0 {
				set = p.setFloating
			}
			if i > 0 && p.o.NoFloatingTags {
				break
			}
			if err := set(ctx, tag, part.document); err != nil {
				return err
			}
		}
	}
	return nil
}

// setFloating is setTag, and no failure if the registry does not let the tag move.
func (p *publication) setFloating(ctx context.Context, tag string, doc document) error {
	err := p.setTag(ctx, tag, doc)
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		p.report.Refused = append(p.report.Refused, refused)
		return nil
	}
	return err
}

// setTag sets a tag that does not name a document yet.
func (p *publication) setTag(ctx context.Context, tag string, doc document) error {
	move, err := p.move(ctx, tag, doc)
	if move == nil || err != nil {
		return err
	}
	return p.set(ctx, move, doc)
}

// move returns what setting a tag would change, nil if it stands right.
func (p *publication) move(ctx context.Context, tag string, doc document) (*TagMove, error) {
	if p.to == nil {
		return &TagMove{Tag: tag, Digest: doc.desc.Digest}, nil
	}
	return checkTag(ctx, p.to, tag, doc)
}

func (p *publication) set(ctx context.Context, move *TagMove, doc document) error {
	if !p.o.DryRun {
		if err := p.put(ctx, doc, move.Tag); err != nil {
			return refusal(move.Tag, err)
		}
		p.o.event(Event{Stage: StageTag, Subject: move.Tag, Ended: true})
	}
	p.add(func(r *Report) { r.Tags = append(r.Tags, *move) })
	return nil
}

func (p *publication) overtaken(m *TagMove) error {
	return &PublishedError{p.to.Name(), m.Tag, m.Previous, []string{"by somebody else, in the meantime"}}
}

// left returns the tags of a version for platforms that it does not have.
func left(tags []string, v *semver.Version, g *graph) (out []string) {
	for _, c := range artifact.Candidates(tags) {
		if c.Version.String() != v.String() {
			continue
		}
		for _, p := range c.Platforms {
			if !slices.ContainsFunc(g.parts, func(q part) bool { return q.platform == p.Platform }) {
				out = append(out, p.Tag)
			}
		}
	}
	return out
}

// RepairTags sets the floating tags of a repository that do not name what its
// versions say they should; with dryRun it only tells. It returns those that were
// set, and a *RefusedError for each that the registry refused, joined. Errors
// besides: the repository's.
func RepairTags(ctx context.Context, to registry.Target, dryRun bool) ([]TagMove, error) {
	tags, err := registry.AllTags(ctx, to)
	if err != nil {
		return nil, err
	}
	strays, err := artifact.AllStrays(ctx, to, tags)
	if err != nil {
		return nil, err
	}
	moves := make([]*TagMove, len(strays))
	for i, s := range strays {
		moves[i] = &TagMove{Tag: s.Tag, Digest: s.Want, Previous: s.Now}
	}
	if dryRun {
		return setAll(moves, func(*TagMove) error { return nil })
	}
	return setAll(moves, func(m *TagMove) error {
		desc, data, err := to.Manifest(ctx, m.Digest.String())
		if err != nil {
			return err
		}
		return to.PushManifest(ctx, desc, data, m.Tag)
	})
}

// AddTags gives what reference, a tag or digest, names further tags; its bytes
// stay where they are. It returns those that were set, and a *RefusedError for
// each that the registry refused, joined. A tag that names a version and stands
// for something else is a *PublishedError without force. What is
// not a tag is a fault.Usage. Errors besides: the repository's.
func AddTags(ctx context.Context, to registry.Target, reference string, tags []string, force bool) ([]TagMove, error) {
	for _, tag := range tags {
		if !artifact.IsTag(tag) {
			return nil, fault.Errorf(fault.Usage, "tag %q: is not [a-zA-Z0-9_][a-zA-Z0-9._-]* of at most 128 characters", tag)
		}
	}
	desc, data, err := to.Manifest(ctx, reference)
	if err != nil {
		return nil, err
	}
	var moves []*TagMove
	for _, tag := range tags {
		move, err := checkTag(ctx, to, tag, document{desc, data})
		if err != nil {
			return nil, err
		}
		if move == nil {
			continue
		}
		if _, version := artifact.ParseTag(tag); version && move.Previous != "" && !force {
			return nil, &PublishedError{to.Name(), tag, move.Previous, []string{"it names another digest"}}
		}
		moves = append(moves, move)
	}
	return setAll(moves, func(m *TagMove) error { return to.PushManifest(ctx, desc, data, m.Tag) })
}

// setAll sets tags one by one, and goes on after those that the registry refuses.
func setAll(moves []*TagMove, push func(*TagMove) error) (set []TagMove, err error) {
	var refused []error
	for _, m := range moves {
		err := refusal(m.Tag, push(m))
		switch {
		case errors.As(err, new(*RefusedError)):
			refused = append(refused, err)
		case err != nil:
			return set, errors.Join(append(refused, err)...)
		default:
			set = append(set, *m)
		}
	}
	return set, errors.Join(refused...)
}

// checkTag returns what setting a tag would change, nil if it stands right.
func checkTag(ctx context.Context, in registry.Repository, tag string, doc document) (*TagMove, error) {
	now, err := in.Resolve(ctx, tag)
	switch {
	case errors.Is(err, artifact.ErrNotFound):
	case err != nil:
		return nil, err
	case now.Digest == doc.desc.Digest:
		return nil, nil
	}
	return &TagMove{Tag: tag, Digest: doc.desc.Digest, Previous: now.Digest}, nil
}
