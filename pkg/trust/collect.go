package trust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// What is read of one digest's signatures. A repository can be made to hold any
// number of any size.
const (
	MaxSignatures = 100
	MaxBytes      = 10 << 20 // in all
	MaxBundle     = 1 << 20  // of one; a bundle with certificate and log entry has some 10 KB
)

const (
	typeBundle = "application/vnd.dev.sigstore.bundle.v0.3+json"
	typeSimple = "application/vnd.dev.cosign.simplesigning.v1+json"
)

// Source is what signatures are read from; every registry.Repository is one.
type Source interface {
	Name() string
	Manifest(ctx context.Context, reference string) (ocispec.Descriptor, []byte, error)
	Blob(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error)
	// ReferrersFrom is that of a registry.Repository: Referrers would end at the
	// first source that has any, and another can have those that count.
	ReferrersFrom(ctx context.Context, subject digest.Digest, from int) (list []ocispec.Descriptor, next int, err error)
}

// collector reads what could be signatures of one digest, no further than it is
// asked to, and keeps what it read: two policies look at the same.
type collector struct {
	src     Source
	subject digest.Digest

	found  []Finding
	left   int64 // bytes that may still be read
	steps  []step
	listed map[digest.Digest]bool // referrers that have a step
	begun  bool
	unread error  // why a first one could not be read, though others could
	body   []byte // the subject itself, where a signature of its bytes was met
}

// step reads some more of what could be signatures.
type step func(ctx context.Context) ([]Finding, error)

func newCollector(src Source, subject digest.Digest) *collector {
	return &collector{src: src, subject: subject, left: MaxBytes, listed: map[digest.Digest]bool{}}
}

// at returns the i-th finding, false where there are no more.
func (c *collector) at(ctx context.Context, i int) (Finding, bool, error) {
	if !c.begun {
		if err := c.begin(ctx); err != nil {
			return Finding{}, false, err
		}
	}
	for len(c.found) <= i && len(c.steps) > 0 {
		more, err := c.steps[0](ctx)
		if err != nil {
			return Finding{}, false, err
		}
		c.steps = c.steps[1:]
		c.found = append(c.found, more...)
	}
	if i >= len(c.found) {
		return Finding{}, false, nil
	}
	return c.found[i], true, nil
}

// begin makes the steps: the referrers, the older form where none of them will
// do, and last what further sources have.
func (c *collector) begin(ctx context.Context) error {
	steps, next, err := c.list(ctx, 0)
	if err != nil {
		return err
	}
	c.begun = true
	c.steps = append(steps, c.simple, func(ctx context.Context) ([]Finding, error) { return nil, c.further(ctx, next) })
	return nil
}

// listedRead reports whether the first i findings are all that the first source
// lists.
func (c *collector) listedRead(i int) bool { return i >= len(c.found) && len(c.steps) <= 2 }

// further adds the steps for what a source after the first ones lists.
func (c *collector) further(ctx context.Context, from int) error {
	steps, next, err := c.list(ctx, from)
	if err != nil || next <= from {
		return err
	}
	c.steps = append(c.steps, steps...)
	c.steps = append(c.steps, func(ctx context.Context) ([]Finding, error) { return nil, c.further(ctx, next) })
	return nil
}

// list makes a step for each referrer that a source lists, in an order that does
// not depend on who is asked. next is the source after it.
func (c *collector) list(ctx context.Context, from int) (steps []step, next int, err error) {
	list, next, err := c.src.ReferrersFrom(ctx, c.subject, from)
	var limit *registry.LimitError
	switch {
	case errors.As(err, &limit), errors.Is(err, artifact.ErrNotFound):
	case err != nil:
		return nil, next, err
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b ocispec.Descriptor) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	if len(list) > MaxSignatures {
		list, limit = list[:MaxSignatures], &registry.LimitError{Subject: c.src.Name() + "@" + c.subject.String(), What: "referrers", Limit: MaxSignatures}
	}
	for _, d := range list {
		if c.listed[d.Digest] {
			continue
		}
		c.listed[d.Digest] = true
		steps = append(steps, func(ctx context.Context) ([]Finding, error) {
			f, err := c.referrer(ctx, d)
			return []Finding{f}, err
		})
	}
	if limit != nil {
		steps = append(steps, func(context.Context) ([]Finding, error) {
			return []Finding{Finding{Manifest: c.subject, Type: "referrers"}.refuse(TooLarge, limit)}, nil
		})
	}
	return steps, next, nil
}

// referrer reads one referrer. What its descriptor says of itself decides
// nothing: registries report artifact types wrongly, and so can anybody.
func (c *collector) referrer(ctx context.Context, d ocispec.Descriptor) (Finding, error) {
	f := Finding{Manifest: d.Digest, Type: d.ArtifactType}
	m, err := c.manifest(ctx, d.Digest.String())
	if err != nil {
		return c.unreadable(f, err)
	}
	if f.Type == "" {
		f.Type = m.Config.MediaType
	}
	i := slices.IndexFunc(m.Layers, func(l ocispec.Descriptor) bool { return l.MediaType == typeBundle })
	if i < 0 {
		return f, nil
	}
	f.Form, f.Type = FormBundle, typeBundle
	if m.Subject == nil || m.Subject.Digest != c.subject {
		return f.refuse(OtherDigest, errors.New("its manifest has another subject")), nil
	}
	data, err := c.blob(ctx, m.Layers[i])
	if err != nil {
		return c.unreadable(f, err)
	}
	return f.readBundle(data), nil
}

// simple reads what lies under the tag of cosign's older form.
func (c *collector) simple(ctx context.Context) ([]Finding, error) {
	tag := artifact.ReferrersTag(c.subject) + ".sig"
	m, err := c.manifest(ctx, tag)
	if errors.Is(err, artifact.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		f, err := c.unreadable(Finding{Type: typeSimple, Form: FormSimple}, err)
		if errors.As(err, new(*registry.LackedError)) {
			f, err = f.refuse(Unsigned, err), nil // all that can be known behind an air gap is known
		}
		return []Finding{f}, err
	}
	var out []Finding
	for _, l := range m.Layers {
		if l.MediaType != typeSimple {
			continue
		}
		f := Finding{Manifest: m.digest, Type: typeSimple, Form: FormSimple}
		if len(out) >= MaxSignatures {
			return append(out, f.refuse(TooLarge, fmt.Errorf("more than %d signatures", MaxSignatures))), nil
		}
		data, err := c.blob(ctx, l)
		if err == nil {
			f = f.readSimple(data, l.Annotations)
		} else if f, err = c.unreadable(f, err); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}
