package ocilayout

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// checkStrays looks at the files of a source that nothing in it names. A blob is
// what its name says all the same, for another program would believe it. A tar
// with a lock has no other files: whoever made it did not put them there.
func (l *Layout) checkStrays(ctx context.Context, b *Bundle) error {
	names, sealed, err := l.Files()
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, p := range b.parts() {
		known[p.name] = true
	}
	for _, name := range names {
		if known[name] {
			continue
		}
		if d := blobNamed(name); d != "" {
			if err := l.checkStray(ctx, d); err != nil {
				return err
			}
		}
		if sealed && b.Lock != nil {
			return &Error{Path: l.path, Problem: "holds " + name + ", which nothing in it names"}
		}
	}
	return nil
}

// blobNamed is the digest that a blob's file name stands for, "" for any other
// file.
func blobNamed(name string) digest.Digest {
	rest, ok := strings.CutPrefix(name, ocispec.ImageBlobsDir+"/")
	algorithm, encoded, both := strings.Cut(rest, "/")
	d := digest.Digest(algorithm + ":" + encoded)
	if !ok || !both || !artifact.IsContentDigest(d) {
		return ""
	}
	return d
}

func (l *Layout) checkStray(ctx context.Context, d digest.Digest) error {
	size, ok := l.Has(d)
	if !ok {
		return &Error{Path: l.path, Problem: "has a blob " + d.String() + " that is not a file"}
	}
	rc, err := l.Blob(ctx, ocispec.Descriptor{Digest: d, Size: size})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, rc)
	return errors.Join(err, rc.Close())
}
