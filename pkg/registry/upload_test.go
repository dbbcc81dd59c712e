package registry

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// abortFirst ends the first upload of each blob after some bytes of it, as a
// front does that resets an HTTP/2 stream.
func abortFirst(r *registrytest.Registry, after int64) {
	var seen sync.Map
	r.SetFault(func(_ int, w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPut {
			return false
		}
		if _, again := seen.LoadOrStore(req.URL.Query().Get("digest"), true); again {
			// The registry reads one body at a time, and would leave none of the
			// connection's window to it.
			data, _ := io.ReadAll(req.Body)
			req.Body = io.NopCloser(bytes.NewReader(data))
			return false
		}
		io.CopyN(io.Discard, req.Body, after)
		panic(http.ErrAbortHandler)
	})
}

// held is content whose second read goes on until it is closed, and fails then as
// that of a file does.
type held struct {
	begun  bool
	closed chan struct{}
	once   sync.Once
}

func (h *held) Read(p []byte) (int, error) {
	if !h.begun {
		h.begun = true
		return copy(p, "begun"), nil
	}
	<-h.closed
	return 0, fs.ErrClosed
}

func (h *held) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// The transport closes a body under a read that goes on: that is the network's
// fault, and the blob is sent again.
func TestUploadIsClosedUnderRead(t *testing.T) {
	r := registrytest.NewTLS(t, nil)
	abortFirst(r, 1)
	c, k := newClient(t, Options{CAFile: caFile(t, r.Server)})
	data := content(100_000)
	desc := ocispec.Descriptor{Digest: digest.FromBytes(data), Size: int64(len(data))}
	tries := 0
	err := repository(t, c, r.Host()+"/db/x").PushBlob(context.Background(), desc, func() (io.ReadCloser, error) {
		if tries++; tries == 1 {
			return &held{closed: make(chan struct{})}, nil
		}
		return opener(data)()
	})
	if err != nil || tries != 2 || len(k.slept) != 1 {
		t.Errorf("%d tries, waits %v: %v", tries, k.slept, err)
	}
}

// TestUploadsAreReset sends files, and blobs of another registry, of which each
// first try is reset on the way; `make crash` runs it a hundred times under the
// race detector.
func TestUploadsAreReset(t *testing.T) {
	target, source := registrytest.NewTLS(t, nil), registrytest.New(t)
	abortFirst(target, 10_000)
	c, _ := newClient(t, Options{CAFile: caFile(t, target.Server)})
	plain, _ := newClient(t, Options{})
	to, from := repository(t, c, target.Host()+"/db/x"), repository(t, plain, source.Host()+"/db/x")
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 8 {
		data := append(content(1<<20), strconv.Itoa(i)...)
		desc := source.Blob(t, "db/x", data)
		file := filepath.Join(dir, strconv.Itoa(i))
		write(t, file, data)
		all.Go(func() {
			err := to.PushBlob(context.Background(), desc, func() (io.ReadCloser, error) {
				if i%2 == 0 {
					return os.Open(file)
				}
				return from.Blob(context.Background(), desc)
			})
			if err != nil {
				t.Errorf("%d: %v", i, err)
				return
			}
			if got, err := readBlob(to, desc); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d: read back: %v", i, err)
			}
		})
	}
	all.Wait()
}
