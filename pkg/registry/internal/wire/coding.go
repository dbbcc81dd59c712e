package wire

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// decoded undoes a gzip content coding that was not asked for (RFC 9110, 8.4.1):
// some servers and the proxies before them compress whatever they send. Others
// write the header over what is stored compressed, so the bytes decide. blob is
// what is read if that is a blob, which can be compressed by itself. How much
// comes out is for the reader to bound.
func decoded(resp *http.Response, blob *ocispec.Descriptor, host, subject string) {
	switch strings.ToLower(resp.Header.Get("Content-Encoding")) {
	case "gzip", "x-gzip":
	default:
		return
	}
	if resp.StatusCode == http.StatusPartialContent || resp.Request.Method == http.MethodHead || blob != nil && resp.ContentLength == blob.Size {
		return
	}
	body := resp.Body
	in := bufio.NewReader(body)
	resp.Body = &unzipped{in, body, host, subject}
	start, _ := in.Peek(512)
	z, err := gzip.NewReader(strings.NewReader(string(start)))
	if err != nil {
		return // as it is stored
	}
	if blob != nil && resp.ContentLength < 0 {
		inner := make([]byte, 2)
		_, _ = io.ReadFull(z, inner)
		if !compressed(inner) && !strings.HasSuffix(blob.MediaType, "json") {
			return
		}
	}
	if z, err = gzip.NewReader(in); err != nil {
		resp.Body = &unzipped{errorReader{err}, body, host, subject}
	} else {
		resp.Body = &unzipped{z, body, host, subject}
	}
	resp.ContentLength = -1
}

// Coded reports whether an answer's length is not that of what is meant.
func Coded(h http.Header) bool {
	coding := h.Get("Content-Encoding")
	return coding != "" && !strings.EqualFold(coding, "identity")
}

// compressed reports whether something begins as gzip or zstd do.
func compressed(start []byte) bool {
	return len(start) >= 2 && (start[0] == 0x1f && start[1] == 0x8b || start[0] == 0x28 && start[1] == 0xb5)
}

// unzipped is an answer's body with its coding undone.
type unzipped struct {
	io.Reader
	body          io.Closer
	host, subject string
}

func (u *unzipped) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || err != nil && strings.HasPrefix(err.Error(), "flate: ") {
		err = &ProtocolError{u.host, u.subject, "the answer is sent with gzip and does not unpack"}
	}
	return n, err
}

func (u *unzipped) Close() error { return u.body.Close() }

type errorReader struct{ err error }

func (f errorReader) Read([]byte) (int, error) { return 0, f.err }
