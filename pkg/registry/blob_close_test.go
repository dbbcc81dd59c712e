package registry

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// Whoever cannot write what comes closes the blob while the next part of it is
// read ahead: on a full disk, or at an interrupt.
func TestBlobClosedBesideRead(t *testing.T) {
	for round := range 20 {
		r := registrytest.New(t)
		desc := r.Blob(t, "db/postgres", content(300_000))
		stalled := make(chan struct{})
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			if n > 1 {
				return false
			}
			w.Header().Set("Content-Length", "300000")
			w.Write(content(300_000)[:100_000])
			w.(http.Flusher).Flush()
			<-req.Context().Done()
			close(stalled)
			return true
		})
		c, _ := newClient(t, Options{})
		b, err := repository(t, c, r.Host()+"/db/postgres").Blob(t.Context(), desc)
		if err != nil {
			t.Fatal(err)
		}
		began, ended := make(chan struct{}), make(chan error)
		go func() {
			buf := make([]byte, 1000*(round+1))
			close(began)
			for {
				if _, err := b.Read(buf); err != nil {
					ended <- err
					return
				}
			}
		}()
		<-began
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err == io.EOF {
			t.Error("half of it was taken for the whole")
		}
		if n, err := b.Read(make([]byte, 10)); n != 0 || err == nil || !strings.Contains(err.Error(), "after it was closed") {
			t.Errorf("after Close: %d bytes, %v", n, err)
		}
		<-stalled
		if n := len(r.Seen()); n != 1 {
			t.Errorf("%d requests: it was connected again after it was closed", n)
		}
	}
}
