package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// TagMove is a tag that was set.
type TagMove struct {
	Tag      string
	Digest   digest.Digest
	Previous digest.Digest // what it named before; "" for a new tag
}

// TagError says why a string is no tag.
type TagError struct{ Tag string }

func (e *TagError) Error() string {
	return fmt.Sprintf("tag %q: is not [a-zA-Z0-9_][a-zA-Z0-9._-]* of at most 128 characters", e.Tag)
}

// Kind is fault.Usage.
func (e *TagError) Kind() fault.Kind { return fault.Usage }

// AddTags gives what reference, a tag or digest, names further tags; its bytes
// stay where they are. It returns those that did not name it already. A tag
// that names a version and stands for something else is a *PublishedError
// without force. Errors besides: *TagError, the target's.
func AddTags(ctx context.Context, t Target, reference string, tags []string, force bool) ([]TagMove, error) {
	for _, tag := range tags {
		if !artifact.IsTag(tag) {
			return nil, &TagError{tag}
		}
	}
	desc, data, err := t.Manifest(ctx, reference)
	if err != nil {
		return nil, err
	}
	doc := document{desc, data}
	var moves []TagMove
	for _, tag := range tags {
		move, err := checkTag(ctx, t, tag, doc)
		if err != nil {
			return nil, err
		}
		if move == nil {
			continue
		}
		if _, version := artifact.ParseTag(tag); version && move.Previous != "" && !force {
			return nil, &PublishedError{t.Name(), tag, move.Previous, []string{"it names another digest"}}
		}
		moves = append(moves, *move)
	}
	if len(moves) == 0 {
		return nil, nil
	}
	names := make([]string, len(moves))
	for i, m := range moves {
		names[i] = m.Tag
	}
	return moves, t.PushManifest(ctx, desc, data, names...)
}

// checkTag returns what setting a tag would change, nil where it stands right.
func checkTag(ctx context.Context, t Target, tag string, doc document) (*TagMove, error) {
	now, err := t.Resolve(ctx, tag)
	switch {
	case errors.Is(err, artifact.ErrNotFound):
	case err != nil:
		return nil, err
	case now.Digest == doc.desc.Digest:
		return nil, nil
	}
	return &TagMove{Tag: tag, Digest: doc.desc.Digest, Previous: now.Digest}, nil
}

// float is a floating tag and the version that it belongs to.
type float struct {
	tag   string
	owner artifact.Candidate
}

// floating returns X.Y, X and latest of a version, given all tags of the
// repository: X.Y belongs to the highest version of X.Y, X to that of X, and
// latest to that of all. Prereleases have none and count for none. Equal
// precedence is decided as it is when releases are chosen.
func floating(tags []string, v *semver.Version) []float {
	if v.Prerelease() != "" {
		return nil
	}
	minor := func(w *semver.Version) bool { return w.Major() == v.Major() && w.Minor() == v.Minor() }
	major := func(w *semver.Version) bool { return w.Major() == v.Major() }
	all := func(*semver.Version) bool { return true }
	candidates := artifact.Candidates(append([]string{artifact.VersionTag(v)}, tags...))
	x := strconv.FormatUint(v.Major(), 10)
	var out []float
	for _, f := range []struct {
		tag   string
		among func(*semver.Version) bool
	}{{x + "." + strconv.FormatUint(v.Minor(), 10), minor}, {x, major}, {"latest", all}} {
		// Highest first, and v is one of them.
		i := slices.IndexFunc(candidates, func(c artifact.Candidate) bool { return c.Version.Prerelease() == "" && f.among(c.Version) })
		out = append(out, float{f.tag, candidates[i]})
	}
	return out
}
