package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// publication is one release on its way to a repository. publish goes through
// it from top to bottom.
type publication struct {
	to      registry.Target     // nil in a dry run that compares nothing
	from    registry.Repository // where blobs may be taken over from; nil: all are sent
	o       Options
	version *semver.Version
	layers  []layer
	graph   *graph // of layers; of a version that is kept, as it was published

	tags     []string      // of the repository, as they were listed last
	replaces digest.Digest // what the version's tag names and Options.Force replaces; "" for nothing

	mu     sync.Mutex // guards report
	report *Report
}

// publish sends layers as a release and completes the report.
func (p *publication) publish(ctx context.Context, annotations map[string]string) (err error) {
	if p.graph, err = build(p.layers, annotations); err != nil {
		return err
	}
	p.report.Version, p.report.Tag = p.version.String(), artifact.VersionTag(p.version)
	if err := p.compare(ctx); err != nil {
		return err
	}
	p.report.describe(p.graph, p.version)
	if p.o.DryRun {
		return errors.Join(p.sendSBOMs(ctx), p.setTags(ctx), p.strays(ctx))
	}
	// Of a release that is kept too: a registry can lose what a manifest names.
	if err := p.sendBlobs(ctx); err != nil {
		return err
	}
	if !p.report.Kept || p.o.Force {
		if err := p.sendManifests(ctx); err != nil {
			return err
		}
	}
	if err := p.sign(ctx); err != nil {
		return err
	}
	if err := p.sendSBOMs(ctx); err != nil {
		return err
	}
	return p.setTags(ctx)
}

// compare looks at what the repository has of the version.
func (p *publication) compare(ctx context.Context) error {
	if p.to == nil {
		return nil
	}
	p.report.Repository = p.to.Name()
	err := p.listTags(ctx)
	if p.o.DryRun && errors.Is(err, artifact.ErrDenied) {
		// A check of a proposed change has no credentials, and many registries
		// say the same of a repository that does not exist yet.
		p.report.Unread, p.to = true, nil
		return nil
	}
	if err != nil {
		return err
	}
	kept, err := p.published(ctx)
	var other *PublishedError
	switch {
	case errors.As(err, &other) && p.o.Force:
		if other.Tag == p.report.Tag {
			p.replaces = other.Digest
		}
	case err != nil:
		return err
	case kept != nil:
		p.graph, p.report.Kept = kept, true
	}
	return nil
}

// strays finds the floating tags that are wrong whatever becomes of this version.
func (p *publication) strays(ctx context.Context) (err error) {
	if p.to == nil {
		return nil
	}
	p.report.Strays, err = artifact.Strays(ctx, p.to, p.tags)
	p.report.Strays = slices.DeleteFunc(p.report.Strays, func(s artifact.Stray) bool {
		return slices.ContainsFunc(p.report.Tags, func(m TagMove) bool { return m.Tag == s.Tag })
	})
	return err
}

// listTags lists the repository's tags; one that does not exist has none.
func (p *publication) listTags(ctx context.Context) error {
	var err error
	p.tags, err = registry.AllTags(ctx, p.to)
	if errors.Is(err, artifact.ErrNotFound) {
		return nil
	}
	return err
}

// sign has the index signed, which for that is sent under its digest.
func (p *publication) sign(ctx context.Context) error {
	if p.o.Sign == nil {
		return nil
	}
	if !p.report.Kept {
		if err := p.put(ctx, p.graph.document); err != nil {
			return err
		}
	}
	if err := p.o.Sign(ctx, p.graph.desc); err != nil {
		out := &SignError{Repository: p.to.Name(), Digest: p.graph.desc.Digest, Err: err}
		if p.report.Kept {
			out.Tag = p.report.Tag
		}
		return out
	}
	return nil
}

// SignError says that a release was sent and not signed.
type SignError struct {
	Repository string
	Digest     digest.Digest
	Tag        string // that names it since before; "" where none does
	Err        error
}

func (e *SignError) Error() string {
	if e.Tag != "" {
		return fmt.Sprintf("%s@%s: was published as %s before, and is not signed now: %v", e.Repository, e.Digest, e.Tag, e.Err)
	}
	return fmt.Sprintf("%s@%s: was sent and is not signed, so no tag was set: %v", e.Repository, e.Digest, e.Err)
}

func (e *SignError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *SignError) Unwrap() error    { return e.Err }
