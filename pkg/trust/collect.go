package trust

import (
	"context"
	"encoding/json"
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
	MaxSignatures = registry.MaxReferrers
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
	Referrers(ctx context.Context, subject digest.Digest) ([]ocispec.Descriptor, error)
}

// collector reads what could be signatures of one digest, no further than it is
// asked to, and keeps what it read: two policies look at the same.
type collector struct {
	src     Source
	subject digest.Digest

	found []Finding
	left  int64 // bytes that may still be read
	steps []func(ctx context.Context) ([]Finding, error)
	begun bool
	body  []byte // the subject itself, where a signature of its bytes was met
}

func newCollector(src Source, subject digest.Digest) *collector {
	return &collector{src: src, subject: subject, left: MaxBytes}
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

// begin lists the referrers, in an order that does not depend on who is asked.
// The older form is looked for when none of them will do.
func (c *collector) begin(ctx context.Context) error {
	list, err := c.src.Referrers(ctx, c.subject)
	var limit *registry.LimitError
	switch {
	case errors.As(err, &limit), errors.Is(err, artifact.ErrNotFound):
	case err != nil:
		return err
	}
	c.begun = true
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b ocispec.Descriptor) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	list = slices.CompactFunc(list, func(a, b ocispec.Descriptor) bool { return a.Digest == b.Digest })
	for _, d := range list[:min(len(list), MaxSignatures)] {
		c.steps = append(c.steps, func(ctx context.Context) ([]Finding, error) {
			f, err := c.referrer(ctx, d)
			return []Finding{f}, err
		})
	}
	if limit != nil {
		c.steps = append(c.steps, func(context.Context) ([]Finding, error) {
			return []Finding{Finding{Manifest: c.subject, Type: "referrers"}.refuse(TooLarge, limit)}, nil
		})
	}
	c.steps = append(c.steps, c.simple)
	return nil
}

// referrer reads one referrer. What its descriptor says of itself decides
// nothing: registries report artifact types wrongly, and so can anybody.
func (c *collector) referrer(ctx context.Context, d ocispec.Descriptor) (Finding, error) {
	f := Finding{Manifest: d.Digest, Type: d.ArtifactType}
	m, err := c.manifest(ctx, d.Digest.String())
	if err != nil {
		return f.unread(err)
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
		return f.unread(err)
	}
	return f.readBundle(data), nil
}

// simple reads what lies under the tag of cosign's older form.
func (c *collector) simple(ctx context.Context) ([]Finding, error) {
	tag := strings.Replace(c.subject.String(), ":", "-", 1) + ".sig"
	m, err := c.manifest(ctx, tag)
	if errors.Is(err, artifact.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		f, err := Finding{Type: typeSimple, Form: FormSimple}.unread(err)
		var lacked *registry.LackedError
		if errors.As(err, &lacked) {
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
		if len(c.found)+len(out) >= MaxSignatures {
			return append(out, f.refuse(TooLarge, fmt.Errorf("more than %d signatures", MaxSignatures))), nil
		}
		data, err := c.blob(ctx, l)
		if err == nil {
			f = f.readSimple(data, l.Annotations)
		} else if f, err = f.unread(err); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// carrier is a manifest that bears signatures.
type carrier struct {
	ocispec.Manifest
	digest digest.Digest
}

func (c *collector) manifest(ctx context.Context, reference string) (carrier, error) {
	var m carrier
	if c.left <= 0 {
		return m, errTooMuch
	}
	desc, data, err := c.src.Manifest(ctx, reference)
	if err != nil {
		return m, err
	}
	c.left -= int64(len(data))
	m.digest = desc.Digest
	if json.Unmarshal(data, &m.Manifest) != nil {
		return m, &artifact.FormatError{Subject: reference, Problem: "is no manifest"}
	}
	return m, nil
}

var errTooMuch = fmt.Errorf("more than %d MiB of signatures", MaxBytes>>20)

// tooLarge says that one of them alone is more than is read.
type tooLarge struct{ size int64 }

func (e *tooLarge) Error() string {
	return fmt.Sprintf("has %d bytes, at most %d are read", e.size, MaxBundle)
}

func (c *collector) blob(ctx context.Context, desc ocispec.Descriptor) ([]byte, error) {
	switch {
	case desc.Size < 0 || desc.Size > MaxBundle:
		return nil, &tooLarge{desc.Size}
	case desc.Size > c.left:
		return nil, errTooMuch
	}
	body, err := c.src.Blob(ctx, desc)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	c.left -= desc.Size
	// One byte more, so that the reader gets to compare the digest.
	data, err := io.ReadAll(io.LimitReader(body, desc.Size+1))
	if err == nil && digest.FromBytes(data) != desc.Digest {
		err = &registry.IntegrityError{Repository: c.src.Name(), Digest: desc.Digest, Got: digest.FromBytes(data)}
	}
	return data, err
}

// unread makes of an error in reading what it says of this one signature, or
// returns it where it says nothing of it: the network may be at fault.
func (f Finding) unread(err error) (Finding, error) {
	var (
		large     *tooLarge
		integrity *registry.IntegrityError
		protocol  *registry.ProtocolError
		format    *artifact.FormatError
	)
	switch {
	case errors.Is(err, errTooMuch), errors.As(err, &large):
		return f.refuse(TooLarge, err), nil
	case errors.As(err, &integrity), errors.As(err, &protocol), errors.As(err, &format), errors.Is(err, artifact.ErrNotFound):
		if f.Form == FormOther {
			f.Form = FormBundle // it claims to refer to the digest, and may be one
		}
		return f.refuse(Malformed, err), nil
	}
	return f, err
}
