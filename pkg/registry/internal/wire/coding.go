package wire

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// decoded undoes a gzip or deflate content coding that was not asked for (RFC 9110, 8.4.1):
// some servers and the proxies before them compress whatever they send. Others
// write the header over what is stored compressed, so the bytes decide. blob is
// what is read if that is a blob, which can be compressed itself. How much
// comes out is for the reader to bound.
func decoded(resp *http.Response, blob *ocispec.Descriptor, host, subject string) {
	unpack := unpacker(coding(resp.Header))
	if unpack == nil {
		return
	}
	if resp.StatusCode == http.StatusPartialContent || resp.Request.Method == http.MethodHead || blob != nil && resp.ContentLength == blob.Size {
		return
	}
	body := resp.Body
	in := bufio.NewReader(body)
	resp.Body = &unzipped{in, body, host, subject}
	start, _ := in.Peek(512)
	z, err := unpack(strings.NewReader(string(start)))
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
	if z, err = unpack(in); err != nil {
		resp.Body = &unzipped{errorReader{err}, body, host, subject}
	} else {
		resp.Body = &unzipped{z, body, host, subject}
	}
	resp.ContentLength = -1
}

// unpacker returns what undoes a content coding, nil for one that is not known.
func unpacker(name string) func(io.Reader) (io.Reader, error) {
	switch name {
	case "gzip", "x-gzip":
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case "deflate": // which is zlib's format (RFC 9110, 8.4.1.2)
		return func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }
	}
	return nil
}

// coding is an answer's content coding in lower case, "" for none. Several are
// separated by commas.
func coding(h http.Header) string {
	var names []string
	for _, name := range strings.Split(strings.ToLower(strings.Join(h.Values("Content-Encoding"), ",")), ",") {
		if name = strings.TrimSpace(name); name != "" && name != "identity" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// Coded reports whether an answer's length is not that of what is meant.
func Coded(h http.Header) bool { return coding(h) != "" }

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
	if err != nil && slices.ContainsFunc([]string{"gzip: ", "zlib: ", "flate: "}, func(p string) bool { return strings.HasPrefix(err.Error(), p) }) {
		err = &ProtocolError{u.host, u.subject, "the answer is sent compressed and does not unpack"}
	}
	return n, err
}

func (u *unzipped) Close() error { return u.body.Close() }

type errorReader struct{ err error }

func (f errorReader) Read([]byte) (int, error) { return 0, f.err }
