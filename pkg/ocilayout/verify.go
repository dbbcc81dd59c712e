package ocilayout

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Check looks for what a layout should be: each blob of want with its size. Errors:
// *artifact.IntegrityError.
func (l *Layout) Check(want *Bundle) error {
	for _, blob := range want.Blobs {
		size, ok := l.Has(blob.Desc.Digest)
		if !ok || size != blob.Desc.Size {
			e := &artifact.IntegrityError{Repository: blob.Repository, ServedBy: l.path, Digest: blob.Desc.Digest, Size: blob.Desc.Size, GotSize: size}
			if !ok {
				e.Problem = "is missing"
			}
			return e
		}
	}
	return nil
}

// Verify is Check, and reads every byte there is: of a tar with a lock, nothing is
// in it that want does not have. Errors: *Error, *artifact.IntegrityError.
func (l *Layout) Verify(ctx context.Context, want *Bundle) error {
	if err := l.Check(want); err != nil {
		return err
	}
	err := each(ctx, len(want.Blobs), func(ctx context.Context, i int) error {
		rc, err := l.blob(ctx, want.Blobs[i].Repository, want.Blobs[i].Desc)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, rc)
		return errors.Join(err, rc.Close())
	})
	if err != nil {
		return err
	}
	for _, t := range want.Tools {
		if err := l.checkTool(t); err != nil {
			return err
		}
	}
	return l.checkStrays(ctx, want)
}

func (l *Layout) checkTool(t Tool) error {
	rc, err := t.Open()
	if err != nil {
		return err
	}
	defer rc.Close()
	got, err := digest.FromReader(rc)
	if err == nil && got != t.Digest {
		err = &artifact.IntegrityError{Repository: t.File(), ServedBy: l.path, Digest: t.Digest, Got: got, Size: -1}
	}
	return err
}

// Tools returns this program's files, as the index names them. Errors: *Error.
func (l *Layout) Tools() ([]Tool, error) {
	var out []Tool
	for key, value := range l.index.Annotations {
		suffix, ok := strings.CutPrefix(key, AnnotationTool)
		if !ok {
			continue
		}
		rest, platform, ok := artifact.CutPlatform("tool-" + suffix)
		t := Tool{Platform: platform, Digest: digest.Digest(value)}
		if !ok || rest != "tool" || !artifact.IsContentDigest(t.Digest) {
			return nil, &Error{Path: l.path, Problem: fmt.Sprintf("index.json has %q, which is not a program for a platform", key)}
		}
		rc, size, err := l.File(t.File())
		if err != nil {
			return nil, &Error{Path: l.path, Problem: "lacks " + t.File() + ", which index.json names"}
		}
		rc.Close()
		t.Size = size
		t.Open = func() (io.ReadCloser, error) { rc, _, err := l.File(t.File()); return rc, err }
		out = append(out, t)
	}
	return out, nil
}

// verified is a file that returns an *artifact.IntegrityError in place of io.EOF if it
// is not what was promised.
type verified struct {
	ctx  context.Context
	rc   io.ReadCloser
	hash hash.Hash
	read int64
	e    artifact.IntegrityError
}

func (v *verified) Read(p []byte) (int, error) {
	if err := v.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := v.rc.Read(p)
	v.hash.Write(p[:n])
	v.read += int64(n)
	if v.read > v.e.Size || err == io.EOF && v.read < v.e.Size {
		v.e.GotSize = v.read
		return n, &v.e
	}
	if err == io.EOF {
		if got := digest.NewDigest(v.e.Digest.Algorithm(), v.hash); got != v.e.Digest {
			v.e.Got, v.e.GotSize = got, v.read
			return n, &v.e
		}
	}
	return n, err
}

func (v *verified) Close() error { return v.rc.Close() }
