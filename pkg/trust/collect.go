package trust

import (
	"context"
	"errors"
	"fmt"
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
	maxSignatures = 100
	maxBytes      = 10 << 20 // in all
	maxBundle     = 1 << 20  // of one; a bundle with certificate and log entry has some 10 KB
)

const (
	typeBundle = "application/vnd.dev.sigstore.bundle.v0.3+json"
	typeSimple = "application/vnd.dev.cosign.simplesigning.v1+json"
)

// collector reads what could be signatures of one digest, no further than it is
// asked to, and keeps what it read: two policies look at the same.
type collector struct {
	src     registry.Repository
	subject digest.Digest

	found  []Finding
	left   int64                  // bytes that may still be read
	source int                    // that lists its referrers next
	listed map[digest.Digest]bool // referrers that a source has listed
	queue  []ocispec.Descriptor   // those of them that were not read yet
	cut    error                  // there are more than are listed
	simple bool                   // the older form was read
	unread error                  // why a first one could not be read, though others could
	body   []byte                 // the subject itself, if a signature of its bytes was met
}

func newCollector(src registry.Repository, subject digest.Digest) *collector {
	return &collector{src: src, subject: subject, left: maxBytes, listed: map[digest.Digest]bool{}}
}

// at returns the i-th finding, false if there are no more.
func (c *collector) at(ctx context.Context, i int) (Finding, bool, error) {
	for len(c.found) <= i {
		if more, err := c.read(ctx); err != nil || !more {
			return Finding{}, false, err
		}
	}
	return c.found[i], true, nil
}

// read reads on: what the first source lists, then the older form, and last what
// further sources list. It returns false once that is all.
func (c *collector) read(ctx context.Context) (more bool, err error) {
	switch {
	case len(c.queue) > 0:
		f, err := c.referrer(ctx, c.queue[0])
		if err != nil {
			return false, err
		}
		c.found, c.queue = append(c.found, f), c.queue[1:]
	case c.cut != nil:
		f := Finding{Manifest: c.subject, Type: "referrers"}
		c.found, c.cut = append(c.found, f.refuse(TooLarge, c.cut)), nil
	case c.source > 0 && !c.simple:
		list, err := c.simpleSignatures(ctx)
		if err != nil {
			return false, err
		}
		c.found, c.simple = append(c.found, list...), true
	default:
		return c.list(ctx)
	}
	return true, nil
}

// allRead reports whether the first i findings are all that has been listed.
func (c *collector) allRead(i int) bool {
	return i >= len(c.found) && len(c.queue) == 0 && c.cut == nil
}

// list asks the next source for its referrers, and puts them into an order that
// does not depend on who is asked. It returns false if there is no such source.
func (c *collector) list(ctx context.Context) (more bool, err error) {
	list, next, err := c.src.ReferrersFrom(ctx, c.subject, c.source)
	var limit *registry.LimitError
	if err != nil && !errors.As(err, &limit) && !errors.Is(err, artifact.ErrNotFound) {
		return false, err
	}
	if next <= c.source {
		return false, nil
	}
	c.source = next
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b ocispec.Descriptor) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	if len(list) > maxSignatures {
		list, limit = list[:maxSignatures], &registry.LimitError{Subject: c.src.Name() + "@" + c.subject.String(), What: "referrers", Limit: maxSignatures}
	}
	if limit != nil {
		c.cut = limit
	}
	for _, d := range list {
		if !c.listed[d.Digest] {
			c.listed[d.Digest] = true
			c.queue = append(c.queue, d)
		}
	}
	return true, nil
}

// referrer reads one referrer. What its descriptor says decides
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

// simpleSignatures reads what lies under the tag of cosign's older form.
func (c *collector) simpleSignatures(ctx context.Context) ([]Finding, error) {
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
		if len(out) >= maxSignatures {
			return append(out, f.refuse(TooLarge, fmt.Errorf("more than %d signatures", maxSignatures))), nil
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
