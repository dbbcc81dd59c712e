package trust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// carrier is a manifest that holds signatures.
type carrier struct {
	*artifact.Document
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
	m.Document, err = artifact.ParseDocument(reference, desc.MediaType, data)
	return m, err
}

var errTooMuch = fmt.Errorf("more than %d MiB of signatures", maxBytes>>20)

// tooLarge says that one of them alone is more than is read.
type tooLarge struct{ size int64 }

func (e *tooLarge) Error() string {
	return fmt.Sprintf("has %d bytes, at most %d are read", e.size, maxBundle)
}

func (c *collector) blob(ctx context.Context, desc ocispec.Descriptor) ([]byte, error) {
	switch {
	case desc.Size < 0 || desc.Size > maxBundle:
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
		err = &artifact.IntegrityError{Repository: c.src.Name(), Digest: desc.Digest, Got: digest.FromBytes(data)}
	}
	return data, err
}

// unreadable makes of an error in reading what it says of this one signature, or
// returns it if it says nothing of it: the network may be at fault. A refusal
// is not a verdict either, but others may be readable, and one of them will do.
func (c *collector) unreadable(f Finding, err error) (Finding, error) {
	var (
		large     *tooLarge
		integrity *artifact.IntegrityError
		protocol  *registry.ProtocolError
		format    *artifact.FormatError
		reference *registry.ReferenceError
	)
	switch {
	case errors.Is(err, errTooMuch), errors.As(err, &large):
		return f.refuse(TooLarge, err), nil
	case denied(err):
		if c.unread == nil {
			c.unread = err
		}
	case errors.As(err, &integrity), errors.As(err, &protocol), errors.As(err, &format), errors.As(err, &reference), errors.Is(err, artifact.ErrNotFound):
	default:
		return f, err
	}
	if f.Form == FormOther {
		f.Form = FormBundle // it claims to refer to the digest, and may be one
	}
	return f.refuse(Malformed, err), nil
}

// denied reports whether a registry answers, and will not serve this one thing.
func denied(err error) bool {
	var status *registry.StatusError
	var auth *registry.AuthError
	return errors.As(err, &auth) || errors.As(err, &status) && status.Status < http.StatusInternalServerError && status.Status != http.StatusTooManyRequests
}
