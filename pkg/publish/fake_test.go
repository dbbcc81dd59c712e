package publish_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// memory is a repository that refuses what a registry must refuse: a blob of
// another digest, and a manifest whose parts it does not have.
type memory struct {
	registry.Target // nil: what publishing does not call

	name string

	mu        sync.Mutex
	blobs     map[digest.Digest][]byte
	manifests map[digest.Digest]document
	tagged    map[string]digest.Digest
	requests  []string

	failAt  int                    // the request that fails, counted from 1; 0 for none
	applied bool                   // the request that fails has taken effect before
	denied  bool                   // no reading
	sibling *memory                // whose blobs may be mounted; nil for none
	refuse  func(tag string) error // what a tag is refused with; nil for nothing

	// meanwhile is what somebody else does, once, before the at-th request, of those
	// that contain when; nil for nothing.
	meanwhile func()
	at        int
	when      string
}

type document struct {
	mediaType string
	data      []byte
}

var errFault = errors.New("connection reset")

func newMemory(name string) *memory {
	return &memory{name: name, blobs: map[digest.Digest][]byte{}, manifests: map[digest.Digest]document{},
		tagged: map[string]digest.Digest{}}
}

// request counts a request and does what it does, unless it is the one that
// fails.
func (m *memory) request(do func() error, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	m.mu.Lock()
	var other func()
	if m.meanwhile != nil && len(m.requests)+1 >= m.at && strings.Contains(text, m.when) {
		other, m.meanwhile = m.meanwhile, nil
	}
	m.mu.Unlock()
	if other != nil {
		other()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, text)
	fail := len(m.requests) == m.failAt
	if fail && !m.applied {
		return errFault
	}
	err := do()
	if fail {
		return errFault
	}
	return err
}

func (m *memory) Name() string { return m.name }

func (m *memory) Tags(_ context.Context, page func([]string) error) error {
	var tags []string
	err := m.request(func() error {
		if m.denied {
			return artifact.ErrDenied
		}
		if len(m.manifests) == 0 {
			return artifact.ErrNotFound
		}
		tags = slices.Sorted(maps.Keys(m.tagged))
		return nil
	}, "GET tags")
	for len(tags) > 0 && err == nil {
		n := min(2, len(tags))
		err = page(tags[:n])
		tags = tags[n:]
	}
	return err
}

func (m *memory) lookup(reference string) (d ocispec.Descriptor, data []byte, err error) {
	dg := digest.Digest(reference)
	if dg.Validate() != nil {
		dg = m.tagged[reference]
	}
	doc, ok := m.manifests[dg]
	if !ok {
		return d, nil, fmt.Errorf("%s: %w", reference, artifact.ErrNotFound)
	}
	return ocispec.Descriptor{MediaType: doc.mediaType, Digest: dg, Size: int64(len(doc.data))}, doc.data, nil
}

func (m *memory) Resolve(_ context.Context, tag string) (d ocispec.Descriptor, err error) {
	err = m.request(func() (err error) { d, _, err = m.lookup(tag); return err }, "HEAD manifest %s", tag)
	return d, err
}

func (m *memory) Manifest(_ context.Context, ref string) (d ocispec.Descriptor, data []byte, err error) {
	err = m.request(func() (err error) { d, data, err = m.lookup(ref); return err }, "GET manifest %s", ref)
	return d, data, err
}

func (m *memory) Blob(_ context.Context, desc ocispec.Descriptor) (rc io.ReadCloser, err error) {
	err = m.request(func() error {
		data, ok := m.blobs[desc.Digest]
		if !ok {
			return artifact.ErrNotFound
		}
		rc = io.NopCloser(bytes.NewReader(data))
		return nil
	}, "GET blob %s", desc.Digest)
	return rc, err
}

func (m *memory) Exists(_ context.Context, desc ocispec.Descriptor) (there bool, err error) {
	err = m.request(func() error { _, there = m.blobs[desc.Digest]; return nil }, "HEAD blob %s", desc.Digest)
	return there, err
}

func (m *memory) PushBlob(ctx context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	if there, err := m.Exists(ctx, desc); there || err != nil {
		return err
	}
	rc, err := open()
	if err != nil {
		return err
	}
	defer rc.Close()
	data, err := io.ReadAll(rc)
	if err != nil {
		return err
	}
	return m.request(func() error {
		if digest.FromBytes(data) != desc.Digest || int64(len(data)) != desc.Size {
			return errors.New("blob is not what its digest says")
		}
		m.blobs[desc.Digest] = data
		return nil
	}, "PUT blob %s", desc.Digest)
}

func (m *memory) Mount(_ context.Context, desc ocispec.Descriptor, from string) (bool, error) {
	granted := false
	err := m.request(func() error {
		if m.sibling == nil || m.sibling.name != from {
			return nil
		}
		var data []byte
		if data, granted = m.sibling.blobs[desc.Digest]; granted {
			m.blobs[desc.Digest] = data
		}
		return nil
	}, "MOUNT %s from %s", desc.Digest, from)
	return granted, err
}

func (m *memory) PushManifest(_ context.Context, desc ocispec.Descriptor, data []byte, tags ...string) error {
	for i := range max(1, len(tags)) {
		err := m.request(func() error {
			if digest.FromBytes(data) != desc.Digest || int64(len(data)) != desc.Size {
				return errors.New("manifest is not what its digest says")
			}
			if missing := m.missing(desc.MediaType, data); missing != "" {
				return errors.New("refers to unknown " + missing)
			}
			if len(tags) > 0 && m.refuse != nil {
				if err := m.refuse(tags[i]); err != nil {
					return err
				}
			}
			m.manifests[desc.Digest] = document{desc.MediaType, data}
			if len(tags) > 0 {
				m.tagged[tags[i]] = desc.Digest
			}
			return nil
		}, "PUT manifest %s %v", desc.Digest, tags)
		if err != nil {
			return err
		}
	}
	return nil
}

// missing names something that a manifest or index needs and that is not here.
func (m *memory) missing(mediaType string, data []byte) string {
	var doc struct {
		Config            *ocispec.Descriptor
		Layers, Manifests []ocispec.Descriptor
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return err.Error()
	}
	if artifact.IsIndex(mediaType) {
		for _, d := range doc.Manifests {
			if _, ok := m.manifests[d.Digest]; !ok {
				return "manifest " + d.Digest.String()
			}
		}
		return ""
	}
	for _, d := range append(doc.Layers, *doc.Config) {
		if _, ok := m.blobs[d.Digest]; !ok {
			return "blob " + d.Digest.String()
		}
	}
	return ""
}

// put stores a manifest with blobs, as another publisher would.
func (m *memory) put(t *testing.T, mediaType string, v any, tags ...string) ocispec.Descriptor {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if err := m.PushManifest(t.Context(), d, data, tags...); err != nil {
		t.Fatal(err)
	}
	return d
}

func (m *memory) blob(data []byte) ocispec.Descriptor {
	d := digest.FromBytes(data)
	m.blobs[d] = data
	return ocispec.Descriptor{MediaType: "application/gzip", Digest: d, Size: int64(len(data))}
}

// writes returns the requests that changed something, or were to.
func (m *memory) writes() []string {
	var out []string
	for _, r := range m.requests {
		if r[:4] != "GET " && r[:4] != "HEAD" {
			out = append(out, r)
		}
	}
	return out
}
