package ocilayout

import (
	"context"
	"hash"
	"io"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

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
