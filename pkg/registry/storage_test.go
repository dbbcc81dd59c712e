package registry

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
)

// oras-go's own copy walks from one registry to another through the roles, with
// what refers to the root, and an upload that is cut is tried again.
func TestStorageIsCopied(t *testing.T) {
	from, to := newRig(t), newRig(t)
	subject, entry, data := signature(t, from, "db/x")
	c, _ := newClient(t, Options{})
	source := repository(t, c, from.host()+"/db/x")
	ctx := context.Background()
	if err := source.PushManifest(ctx, entry, data); err != nil {
		t.Fatal(err)
	}
	var cut atomic.Int32
	to.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPut && cut.CompareAndSwap(0, 1) {
			io.CopyN(io.Discard, req.Body, 1)
			return refuse(w, http.StatusServiceUnavailable, "LATER")
		}
		return false
	})
	target := repository(t, c, to.host()+"/copies/x")
	src := Storage{Repository: source}
	dst := Storage{Repository: target, From: src}
	root, err := src.Resolve(ctx, "1.0.0")
	if err != nil || root.Digest != subject {
		t.Fatalf("%+v %v", root, err)
	}
	o := oras.DefaultExtendedCopyGraphOptions
	if err := oras.ExtendedCopyGraph(ctx, src, dst, root, o); err != nil || cut.Load() != 1 {
		t.Fatalf("%v, %d uploads were cut", err, cut.Load())
	}
	if err := dst.Tag(ctx, root, "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if got, err := dst.Resolve(ctx, "1.0.0"); err != nil || got.Digest != subject {
		t.Errorf("%+v %v", got, err)
	}
	if list, err := dst.Predecessors(ctx, root); err != nil || len(list) != 1 || list[0].Digest != entry.Digest {
		t.Errorf("%+v %v", list, err)
	}
	none := func([]ocispec.Descriptor) error { t.Error("one of another type"); return nil }
	if err := dst.Referrers(ctx, root, "application/x-other", none); err != nil {
		t.Error(err)
	}
	// Without a place to read it from again there is one try.
	cut.Store(0)
	blob := from.blob(t, "db/x", content(100))
	r, err := src.Fetch(ctx, blob)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := (Storage{Repository: target}).Push(ctx, blob, r); err == nil || cut.Load() != 1 {
		t.Errorf("%v after %d cuts", err, cut.Load())
	}
}
