package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func TestBlob(t *testing.T) {
	r := registrytest.New(t)
	data := content(300_000)
	desc := r.Blob(t, "db/postgres", data)
	c, _ := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/db/postgres")
	got, err := readBlob(repo, desc)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	s := c.Stats()
	if s.Requests[wire.KindBlob] != 1 || s.Bytes[wire.KindBlob] != 300_000 || s.Served[r.Host()] != 1 || s.Retries != 0 {
		t.Errorf("stats: %+v", s)
	}
	if got, err := readBlob(repo, r.Blob(t, "db/postgres", nil)); err != nil || len(got) != 0 {
		t.Errorf("empty blob: %d bytes, %v", len(got), err)
	}
	_, err = readBlob(repo, ocispec.Descriptor{Digest: digest.FromString("elsewhere"), Size: 9})
	if !errors.Is(err, artifact.ErrNotFound) {
		t.Errorf("missing blob: %v", err)
	}
}

func TestBlobResumesAfterCut(t *testing.T) {
	data := content(1_000_000)
	for tenth := 0; tenth < 10; tenth++ {
		for _, ranges := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d0%%/ranges=%v", tenth, ranges), func(t *testing.T) {
				r := registrytest.New(t)
				desc := r.Blob(t, "db/postgres", data)
				at := len(data) * tenth / 10
				r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
					if !ranges {
						req.Header.Del("Range")
					}
					if n == 1 {
						r.CutAfter(at, w, req)
					}
					return false
				})
				c, _ := newClient(t, Options{})
				got, err := readBlob(repository(t, c, r.Host()+"/db/postgres"), desc)
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("got %d bytes, %v", len(got), err)
				}
				fetched, want := c.Stats().Bytes[wire.KindBlob], int64(len(data))
				if !ranges {
					want += int64(at)
				}
				if fetched != want {
					t.Errorf("%d bytes were fetched, want %d", fetched, want)
				}
				if n := len(r.Seen()); n != 2 && !(tenth == 0 && n == 3) { // nothing came: TLS is tried
					t.Errorf("%d requests: %v", n, r.Seen())
				}
			})
		}
	}
}

// Only tries without progress are counted: a connection that is cut every few
// bytes gets there in the end.
func TestBlobManyCuts(t *testing.T) {
	r := registrytest.New(t)
	data := content(1_000_000)
	desc := r.Blob(t, "db/postgres", data)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		r.CutAfter(50_000, w, req)
		return true
	})
	c, _ := newClient(t, Options{})
	got, err := readBlob(repository(t, c, r.Host()+"/db/postgres"), desc)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if s := c.Stats(); s.Bytes[wire.KindBlob] != int64(len(data)) || s.Requests[wire.KindBlob] != 20 {
		t.Errorf("stats: %+v", s)
	}
}

func TestBlobGivesUp(t *testing.T) {
	r := registrytest.New(t)
	data := content(100_000)
	desc := r.Blob(t, "db/postgres", data)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n > 1 {
			panic(http.ErrAbortHandler)
		}
		r.CutAfter(40_000, w, req)
		return true
	})
	c, k := newClient(t, Options{})
	got, err := readBlob(repository(t, c, r.Host()+"/db/postgres"), desc)
	if e := wantError[*UnreachableError](t, err); e.Cause != NetworkReset || e.Host != r.Host() {
		t.Errorf("error: %#v", e)
	}
	if !bytes.Equal(got, data[:40_000]) {
		t.Errorf("%d bytes were delivered", len(got))
	}
	if len(k.slept) != wire.MaxTries-1 {
		t.Errorf("waits: %v", k.slept)
	}
}

// A byte for each try is not progress: it would take days.
func TestBlobDrips(t *testing.T) {
	r := registrytest.New(t)
	desc := r.Blob(t, "db/postgres", content(100_000))
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		r.CutAfter(1, w, req)
		return true
	})
	c, _ := newClient(t, Options{})
	_, err := readBlob(repository(t, c, r.Host()+"/db/postgres"), desc)
	if e := wantError[*UnreachableError](t, err); e.Cause != NetworkReset || len(r.Seen()) != wire.MaxTries {
		t.Errorf("%v after %d requests", err, len(r.Seen()))
	}
}

func TestBlobStalls(t *testing.T) {
	r := registrytest.New(t)
	data := content(100_000)
	desc := r.Blob(t, "db/postgres", data)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n == 1 {
			rec := httptest.NewRecorder()
			r.Inner.ServeHTTP(rec, req)
			registrytest.Send(w, rec, data[:70_000], len(data))
			<-req.Context().Done() // until the client hangs up
			return true
		}
		return false
	})
	var told events
	c, _ := newClient(t, Options{tests: wire.Options{IdleTimeout: 30 * time.Millisecond}, Events: told.add})
	got, err := readBlob(repository(t, c, r.Host()+"/db/postgres"), desc)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if resumed := told.of(EventResume); len(resumed) != 1 || resumed[0].Offset != 70_000 {
		t.Errorf("events: %+v", told.all)
	}
	if retries := told.of(EventRetry); len(retries) != 1 || wantError[*UnreachableError](t, retries[0].Err).Cause != wire.NetworkTimeout {
		t.Errorf("events: %+v", retries)
	}
}

func TestBlobCancelled(t *testing.T) {
	r := registrytest.New(t)
	data := content(100_000)
	desc := r.Blob(t, "db/postgres", data)
	ctx, cancel := context.WithCancel(context.Background())
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		rec := httptest.NewRecorder()
		r.Inner.ServeHTTP(rec, req)
		registrytest.Send(w, rec, data[:1000], len(data))
		cancel()
		<-req.Context().Done()
		return true
	})
	c, k := newClient(t, Options{})
	rc, err := repository(t, c, r.Host()+"/db/postgres").Blob(ctx, desc)
	if err == nil {
		_, err = io.ReadAll(rc)
		rc.Close()
	}
	if !errors.Is(err, context.Canceled) || len(k.slept) != 0 || len(r.Seen()) != 1 {
		t.Errorf("error %v, waits %v, requests %v", err, k.slept, r.Seen())
	}
}

func TestBlobReadAfterClose(t *testing.T) {
	r := registrytest.New(t)
	desc := r.Blob(t, "db/postgres", content(10))
	c, _ := newClient(t, Options{})
	rc, err := repository(t, c, r.Host()+"/db/postgres").Blob(context.Background(), desc)
	if err != nil {
		t.Fatal(err)
	}
	rc.Close()
	if _, err := rc.Read(make([]byte, 10)); err == nil || err == io.EOF || !strings.Contains(err.Error(), "closed") {
		t.Errorf("read after close: %v", err)
	}
}
