package registry

import (
	"bytes"
	"context"
	"errors"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	orascontent "oras.land/oras-go/v2/content"
	oras "oras.land/oras-go/v2/registry"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Storage is a Repository in the roles of oras-go, so that its graph copies can
// walk and fill it: content.GraphStorage, content.TagResolver,
// registry.ReferrerLister and registry.Mounter. Everything goes the way of the
// Repository: mirrors, cache, tries, checks.
type Storage struct {
	Repository Repository
	// From is where the content of a Push is read again for another try of an
	// upload that was cut. nil means that there is no other try.
	From orascontent.Fetcher
}

var (
	_ orascontent.GraphStorage = Storage{}
	_ orascontent.TagResolver  = Storage{}
	_ oras.ReferrerLister      = Storage{}
	_ oras.Mounter             = Storage{}
)

func isManifest(desc ocispec.Descriptor) bool {
	return artifact.IsIndex(desc.MediaType) || artifact.IsManifest(desc.MediaType)
}

// Fetch implements content.Fetcher.
func (s Storage) Fetch(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	if !isManifest(desc) {
		return s.Repository.Blob(ctx, desc)
	}
	_, data, err := s.Repository.Manifest(ctx, desc.Digest.String())
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Exists implements content.ReadOnlyStorage.
func (s Storage) Exists(ctx context.Context, desc ocispec.Descriptor) (bool, error) {
	return s.Repository.Exists(ctx, desc)
}

// Resolve implements content.Resolver.
func (s Storage) Resolve(ctx context.Context, tag string) (ocispec.Descriptor, error) {
	return s.Repository.Resolve(ctx, tag)
}

// Push implements content.Pusher.
func (s Storage) Push(ctx context.Context, desc ocispec.Descriptor, r io.Reader) error {
	if isManifest(desc) {
		data, err := orascontent.ReadAll(io.LimitReader(r, artifact.MaxManifest+1), desc)
		if err != nil {
			return err
		}
		return s.Repository.PushManifest(ctx, desc, data)
	}
	first := true
	return s.Repository.PushBlob(ctx, desc, func() (io.ReadCloser, error) {
		switch {
		case first:
			first = false
			return io.NopCloser(r), nil
		case s.From != nil:
			return s.From.Fetch(ctx, desc)
		}
		return nil, errors.New(subject(s.Repository.Name(), desc.Digest.String()) + ": the upload was cut, and its content cannot be read again")
	})
}

// Mount implements registry.Mounter. from is HOST/PATH.
func (s Storage) Mount(ctx context.Context, desc ocispec.Descriptor, from string, open func() (io.ReadCloser, error)) error {
	if mounted, err := s.Repository.Mount(ctx, desc, from); mounted || err != nil {
		return err
	}
	return s.Repository.PushBlob(ctx, desc, open)
}

// Tag implements content.Tagger, of a manifest that is there.
func (s Storage) Tag(ctx context.Context, desc ocispec.Descriptor, tag string) error {
	_, data, err := s.Repository.Manifest(ctx, desc.Digest.String())
	if err != nil {
		return err
	}
	return s.Repository.PushManifest(ctx, desc, data, tag)
}

// Referrers implements registry.ReferrerLister, with all of them in one list.
func (s Storage) Referrers(ctx context.Context, desc ocispec.Descriptor, artifactType string, fn func([]ocispec.Descriptor) error) error {
	list, err := s.Repository.Referrers(ctx, desc.Digest)
	if err != nil {
		return err
	}
	var of []ocispec.Descriptor
	for _, r := range list {
		if artifactType == "" || r.ArtifactType == artifactType {
			of = append(of, r)
		}
	}
	if len(of) == 0 {
		return nil
	}
	return fn(of)
}

// Predecessors implements content.PredecessorFinder: what refers to desc.
func (s Storage) Predecessors(ctx context.Context, desc ocispec.Descriptor) (list []ocispec.Descriptor, err error) {
	err = s.Referrers(ctx, desc, "", func(page []ocispec.Descriptor) error {
		list = append(list, page...)
		return nil
	})
	return list, err
}
