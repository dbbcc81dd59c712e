package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// blob answers for one blob, or a range of it.
func (b bundle) blob(w http.ResponseWriter, req *http.Request, d digest.Digest) {
	size, ok := b.source.Has(d)
	if !ok {
		fail(w, http.StatusNotFound, "BLOB_UNKNOWN", "the bundle has no such blob")
		return
	}
	from, to, partial := byteRange(req.Header.Get("Range"), size)
	if from > to && size > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		fail(w, http.StatusRequestedRangeNotSatisfiable, "SIZE_INVALID", "the blob is shorter")
		return
	}
	w.Header().Set("Docker-Content-Digest", d.String())
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Accept-Ranges", "bytes")
	w.Header().Set("Content-Length", strconv.FormatInt(to-from+1, 10))
	if partial {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, size))
		w.WriteHeader(http.StatusPartialContent)
	}
	if req.Method == http.MethodHead {
		return
	}
	b.send(req.Context(), w, ocispec.Descriptor{Digest: d, Size: size}, from, to)
}

// send writes bytes from to to of a blob. Where they are not to be had the
// answer stays shorter than it says, and net/http cuts the connection.
func (b bundle) send(ctx context.Context, w io.Writer, d ocispec.Descriptor, from, to int64) {
	rc, err := b.source.Blob(ctx, d)
	if err != nil {
		return
	}
	defer rc.Close()
	if _, err := io.CopyN(io.Discard, rc, from); err == nil {
		_, _ = io.CopyN(w, rc, to-from+1) // who asked holds it against the digest
	}
}

// byteRange reads "bytes=FROM-[TO]" (RFC 9110, "Range"); other forms are
// answered with everything, which the RFC allows.
func byteRange(header string, size int64) (from, to int64, partial bool) {
	to = size - 1
	first, last, ok := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	start, err := strconv.ParseInt(first, 10, 64)
	if !strings.HasPrefix(header, "bytes=") || !ok || err != nil || start < 0 {
		return 0, to, false
	}
	if last != "" {
		end, err := strconv.ParseInt(last, 10, 64)
		if err != nil || end < start {
			return 0, to, false
		}
		to = min(to, end)
	}
	return start, to, true
}
