package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	ours "github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// endless is a repository in which everything is referred to by more manifests,
// each followed by as many again.
type endless struct {
	ours.Repository
	width   int // how many refer to each
	padding int // bytes in each

	mu    sync.Mutex
	made  int
	asked int
	data  map[digest.Digest][]byte
}

func (e *endless) Name() string { return "registry.example/endless" }

func (e *endless) make(m ocispec.Manifest) ocispec.Descriptor {
	m.MediaType, m.Layers = ocispec.MediaTypeImageManifest, []ocispec.Descriptor{}
	m.Annotations = map[string]string{"n": strconv.Itoa(e.made), "x": strings.Repeat("x", e.padding)}
	e.made++
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	d := digest.FromBytes(data)
	e.data[d] = data
	return ocispec.Descriptor{MediaType: m.MediaType, Digest: d, Size: int64(len(data))}
}

func (e *endless) Manifest(_ context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	data := e.data[digest.Digest(reference)]
	return ocispec.Descriptor{Digest: digest.Digest(reference), Size: int64(len(data))}, data, nil
}

func (e *endless) Resolve(context.Context, string) (ocispec.Descriptor, error) {
	return ocispec.Descriptor{}, artifact.ErrNotFound
}

func (e *endless) Referrers(_ context.Context, subject digest.Digest) (list []ocispec.Descriptor, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.width > ours.MaxReferrers {
		return list, &ours.LimitError{Limit: ours.MaxReferrers}
	}
	if e.padding > 0 && e.made > 1 {
		return nil, nil // enough has been made
	}
	for range e.width {
		list = append(list, e.make(ocispec.Manifest{Subject: &ocispec.Descriptor{Digest: subject}}))
	}
	return list, nil
}

// Who may push signatures cannot keep a copy busy for ever.
func TestPlanEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		width, padding int
		limit          string
	}{
		"a chain":    {1, 0, "16 manifests that list or refer to one another"},
		"a tree":     {100, 0, "1000 manifests"},
		"a list":     {ours.MaxReferrers + 1, 0, "1000 referrers"},
		"large ones": {99, 1 << 20, "64 MiB of manifests"},
	} {
		e := &endless{width: tc.width, padding: tc.padding, data: map[digest.Digest][]byte{}}
		root := e.make(ocispec.Manifest{})
		lock := &lockfile.Lock{Plugins: []lockfile.Plugin{{Name: "edge", Version: "1.0.0", Repository: e.Name(), Digest: root.Digest}}}
		_, err := Plan(t.Context(), lock, func(string) (ours.Repository, error) { return e, nil }, PlanOptions{})
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Limit != tc.limit || fault.Of(err) != fault.Integrity || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %.1000v", name, err)
		}
		if e.asked > maxManifests {
			t.Errorf("%s: %d manifests are read", name, e.asked)
		}
	}
}

// An index that lists one thing over and over, which does so too, is looked at
// once.
func TestPlanDeepIndexes(t *testing.T) {
	e := &endless{data: map[digest.Digest][]byte{}}
	d := e.make(ocispec.Manifest{})
	for range maxDepth {
		index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex}
		for range 50 {
			index.Manifests = append(index.Manifests, d)
		}
		data, err := json.Marshal(index)
		if err != nil {
			t.Fatal(err)
		}
		d = ocispec.Descriptor{MediaType: index.MediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		e.data[d.Digest] = data
	}
	lock := &lockfile.Lock{Plugins: []lockfile.Plugin{{Name: "edge", Version: "1.0.0", Repository: e.Name(), Digest: d.Digest}}}
	graphs, err := Plan(t.Context(), lock, func(string) (ours.Repository, error) { return e, nil }, PlanOptions{})
	if err != nil || len(graphs[0].Manifests) != maxDepth+1 {
		t.Errorf("%v, %v", graphs, err)
	}
}
