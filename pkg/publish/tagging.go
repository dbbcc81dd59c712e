package publish

import (
	"context"
	"slices"

	"github.com/Masterminds/semver/v3"
	"golang.org/x/sync/errgroup"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// rounds is how often tags are set and looked at once more at most. The second
// look ends it, unless others set tags at the same time.
const rounds = 4

// overtaken says that somebody else published the version while this was on its
// way: what is there now has to be compared anew.
type overtaken struct{ *PublishedError }

func (e overtaken) Unwrap() error { return e.PublishedError }

// wanted is a tag and what it shall name: part, where that is a platform's
// manifest.
type wanted struct {
	tag  string
	doc  document
	part *part
}

// tags sets what does not stand right yet, and looks again until all of it does:
// registries set a tag whatever it names by then, so that the last of several
// publishers wins. existing are the tags that were there.
func (s *sender) tags(ctx context.Context, g *graph, v *semver.Version, existing []string) error {
	floated := map[string]bool{}
	for i := range rounds {
		if i > 0 {
			existing = nil // others have gone on
		}
		set, err := s.round(ctx, g, v, existing, floated)
		if err != nil {
			return err
		}
		if !set || s.o.DryRun {
			break
		}
	}
	if s.beside != nil {
		return s.beside
	}
	return nil
}

// round sets the version's own tag, then those of its platforms, then the
// floating ones, and tells whether there was any to set. Without tags it lists
// them. floated are the floating tags that were set for this version; one that
// belongs to a higher one by now goes there.
func (s *sender) round(ctx context.Context, g *graph, v *semver.Version, tags []string, floated map[string]bool) (set bool, err error) {
	own := []wanted{{tag: artifact.VersionTag(v), doc: g.document}}
	if set, err = s.all(ctx, own); err != nil {
		return set, err
	}
	if s.t != nil && !s.o.DryRun && (set || tags == nil) {
		// Whoever listed before this tag stood did not know this version.
		if tags, err = allTags(ctx, s.t); err != nil {
			return set, err
		}
	}
	var platforms, floats []wanted
	for i, p := range g.parts {
		platforms = append(platforms, wanted{platformTag(v, p.platform), p.document, &g.parts[i]})
	}
	s.report.Left = left(tags, v, g)
	for _, f := range floating(tags, v) {
		switch {
		case f.owner.Version.String() == v.String():
			floats = append(floats, wanted{tag: f.tag, doc: g.document})
			floated[f.tag] = true
		case floated[f.tag] && f.owner.Tag != "":
			desc, data, err := s.t.Manifest(ctx, f.owner.Tag)
			if err != nil {
				return set, err
			}
			floats = append(floats, wanted{tag: f.tag, doc: document{desc, data}})
		}
	}
	for _, step := range [][]wanted{platforms, floats} {
		if set {
			if err := s.owns(ctx, own[0]); err != nil {
				return set, err
			}
		}
		more, err := s.all(ctx, step)
		set = set || more
		if err != nil {
			return set, err
		}
	}
	return set, nil
}

// owns fails where the version's own tag has become another publisher's: of two
// who found none the last one has it, with every other tag, and the first goes no
// further.
func (s *sender) owns(ctx context.Context, own wanted) error {
	if s.t == nil || s.o.DryRun {
		return nil
	}
	now, err := checkTag(ctx, s.t, own.tag, own.doc)
	if err == nil && now != nil && now.Previous != "" && now.Previous != s.replaces {
		err = s.overtaken(now)
	}
	return err
}

// all sets tags at once, and tells whether there was any to set.
func (s *sender) all(ctx context.Context, step []wanted) (set bool, err error) {
	moves := make([]*TagMove, len(step))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.o.parallel())
	for i, w := range step {
		group.Go(func() (err error) {
			moves[i], err = s.tag(ctx, w)
			return err
		})
	}
	err = group.Wait()
	for _, m := range moves {
		if m != nil {
			set = true
			s.moved(*m)
		}
	}
	return set, err
}

// moved notes a tag that was set, and forgets one that went to another version.
func (s *sender) moved(m TagMove) {
	ours := func(t TagMove) bool { return t.Tag == m.Tag }
	i := slices.IndexFunc(s.report.Tags, ours)
	mine := m.Digest == s.report.Digest || slices.ContainsFunc(s.report.Platforms, func(p Published) bool { return p.Manifest == m.Digest })
	switch {
	case !mine:
		s.report.Tags = slices.DeleteFunc(s.report.Tags, ours)
	case i < 0:
		s.report.Tags = append(s.report.Tags, m)
	}
}

func (s *sender) tag(ctx context.Context, w wanted) (*TagMove, error) {
	move := &TagMove{Tag: w.tag, Digest: w.doc.desc.Digest}
	if s.t != nil {
		var err error
		if move, err = checkTag(ctx, s.t, w.tag, w.doc); move == nil || err != nil {
			return nil, err
		}
	}
	switch {
	case move.Previous == "":
	case w.tag == s.report.Tag && move.Previous != s.replaces:
		return nil, s.overtaken(move)
	case w.part != nil && !s.report.Kept && s.replaces == "":
		// The version was nowhere, and a platform of it is: somebody published it
		// whole just before our tag. Ours stands now, so the others go with it, but
		// this is not what was meant.
		if err := s.compare(ctx, move, w.part); err != nil {
			return nil, err
		}
	}
	if s.o.DryRun {
		return move, nil
	}
	if err := s.put(ctx, w.doc, w.tag); err != nil {
		return nil, err
	}
	s.o.event(Event{Stage: StageTag, Subject: w.tag, Ended: true})
	return move, nil
}

// compare notes where a platform's tag names other content than what it is to
// name.
func (s *sender) compare(ctx context.Context, m *TagMove, p *part) error {
	desc, data, err := s.t.Manifest(ctx, m.Previous.String())
	if err != nil {
		return err
	}
	differences := []string{"it is no manifest"}
	if have, err := artifact.ParseDocument(m.Tag, desc.MediaType, data); err == nil && !have.IsIndex() {
		differences = compareManifests(p.platform, have.Manifest, p.manifest)
	}
	if len(differences) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beside = &PublishedError{s.t.Name(), m.Tag, m.Previous, append([]string{"by somebody else, at the same time; the tags name what this push sent now"}, differences...)}
	return nil
}

func (s *sender) overtaken(m *TagMove) error {
	return overtaken{&PublishedError{s.t.Name(), m.Tag, m.Previous, []string{"by somebody else, in the meantime"}}}
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
