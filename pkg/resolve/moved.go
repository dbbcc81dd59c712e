package resolve

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// MovedKind says what happened to what a lock names.
type MovedKind string

// The kinds of Moved.
const (
	TagMoved    MovedKind = "moved"        // the tag names something else now; what is locked is still there
	TagDeleted  MovedKind = "deleted"      // the tag is gone; what is locked is still there
	ContentGone MovedKind = "content gone" // what is locked cannot be fetched any more
)

// Moved is a locked tag that no longer names what is locked.
type Moved struct {
	Plugin     string
	Repository string
	Tag        string            // "" if the lock has none
	Platform   artifact.Platform // of a tag that is for one platform; else zero
	Locked     digest.Digest
	Now        digest.Digest // what the tag names now; "" if it is gone
	Kind       MovedKind
	Floating   bool // the tag is one that is meant to move: no version's own
}

// String returns one sentence: "postgres: tag 0.1.2 in REPOSITORY was moved: it
// now names DIGEST, locked is DIGEST".
func (m Moved) String() string {
	what := fmt.Sprintf("%s: tag %s in %s", m.Plugin, m.Tag, m.Repository)
	switch {
	case m.Tag == "":
		return fmt.Sprintf("%s: %s in %s is gone", m.Plugin, m.Locked, m.Repository)
	case m.Now == "" && m.Kind == TagDeleted:
		return fmt.Sprintf("%s was deleted; what is locked, %s, is still there", what, m.Locked)
	case m.Now == "":
		return fmt.Sprintf("%s was deleted, and what is locked, %s, is gone", what, m.Locked)
	case m.Kind == ContentGone:
		return fmt.Sprintf("%s was moved: it now names %s, and what is locked, %s, is gone", what, m.Now, m.Locked)
	}
	return fmt.Sprintf("%s was moved: it now names %s, locked is %s", what, m.Now, m.Locked)
}

// MovedError says that an entry could not be completed, because its tag no
// longer names what is locked.
type MovedError struct{ Moved }

func (e *MovedError) Error() string    { return e.Moved.String() }
func (e *MovedError) Kind() fault.Kind { return fault.Integrity }

// Check asks the registries whether the tags of lock entries still name what
// is locked, and where they do not, whether that is still there: one request
// for each tag, and another if it is needed. A digest entry is asked for
// itself. The result is in the order of the entries. Errors: the Catalog's.
func Check(ctx context.Context, c Catalog, entries []lockfile.Plugin) ([]Moved, error) {
	return newResolver(c, Options{}).check(ctx, entries)
}

func (r *resolver) check(ctx context.Context, entries []lockfile.Plugin) ([]Moved, error) {
	var marks []Moved
	for _, e := range entries {
		mark := Moved{Plugin: e.Name, Repository: e.Repository, Tag: e.Tag, Locked: e.Digest, Floating: !ownTag(&e)}
		if e.Digest != "" {
			marks = append(marks, mark)
		}
		for _, p := range e.Platforms {
			if p.Tag != "" && p.Tag != e.Tag {
				mark.Tag, mark.Platform, mark.Locked = p.Tag, p.Platform, p.Manifest
				marks = append(marks, mark)
			}
		}
	}
	found := make([]bool, len(marks))
	err := parallel.Each(ctx, len(marks), 0, func(i int) (err error) {
		found[i], err = r.compare(ctx, &marks[i])
		return err
	})
	var out []Moved
	for i, m := range marks {
		if found[i] {
			out = append(out, m)
		}
	}
	return out, err
}

// compare fills in what became of a locked tag and reports whether it changed.
func (r *resolver) compare(ctx context.Context, m *Moved) (changed bool, err error) {
	reader, err := r.catalog.Reader(m.Repository)
	if err != nil {
		return false, err
	}
	names := func(reference string) (d digest.Digest, err error) {
		err = r.limit.Do(ctx, func() error {
			desc, err := reader.Resolve(ctx, reference)
			d = desc.Digest
			return err
		})
		if errors.Is(err, artifact.ErrNotFound) {
			return "", nil
		}
		return d, err
	}
	if m.Tag != "" {
		if m.Now, err = names(m.Tag); err != nil || m.Now == m.Locked {
			return false, err
		}
	}
	still, err := names(m.Locked.String())
	switch {
	case err != nil:
		return false, err
	case still == "":
		m.Kind = ContentGone
	case m.Tag == "":
		return false, nil
	case m.Now == "":
		m.Kind = TagDeleted
	default:
		m.Kind = TagMoved
	}
	return true, nil
}
