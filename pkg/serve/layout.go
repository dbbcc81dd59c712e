package serve

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
)

// Layout serves an OCI image layout as a registry that cannot be written to. A
// repository HOST/PATH of the layout is there as PATH, where a mirror would have
// it, and as HOST/PATH. Blobs are sent as they are: clients check them against
// their digests.
func Layout(s *ocilayout.Layout) *Registry { return &Registry{store: layout{s}, idle: maxIdle} }

type layout struct{ source *ocilayout.Layout }

// served is the name under which a repository is served: its path without the
// host.
func served(repository string) string {
	_, path, _ := strings.Cut(strings.TrimPrefix(repository, artifact.LayoutScheme), "/")
	return path
}

func (l layout) repositories() []string {
	var names []string
	for _, r := range l.source.Repositories() {
		names = append(names, served(r))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// each calls f for the repositories that a name in a URL means, until one has what
// is asked for. Two hosts can have one path.
func (l layout) each(name string, f func(*ocilayout.Repository) error) error {
	err := artifact.ErrNotFound
	for _, r := range l.source.Repositories() {
		if r != name && served(r) != name {
			continue
		}
		if err = f(l.source.Repository(r)); !errors.Is(err, artifact.ErrNotFound) {
			return err
		}
	}
	return err
}

func (l layout) tags(name string) (tags []string, err error) {
	found := false
	err = l.each(name, func(r *ocilayout.Repository) error {
		err := r.Tags(context.Background(), func(page []string) error { tags = append(tags, page...); return nil })
		found = found || err == nil
		if err == nil {
			err = artifact.ErrNotFound // so that all are asked
		}
		return err
	})
	if found && errors.Is(err, artifact.ErrNotFound) {
		err = nil
	}
	slices.Sort(tags)
	return slices.Compact(tags), err
}

func (l layout) manifest(name, reference string) (desc ocispec.Descriptor, data []byte, err error) {
	err = l.each(name, func(r *ocilayout.Repository) (err error) {
		desc, data, err = r.Manifest(context.Background(), reference)
		return err
	})
	return desc, data, err
}

func (l layout) referrers(name string, subject digest.Digest) (list []ocispec.Descriptor, err error) {
	err = l.each(name, func(r *ocilayout.Repository) error {
		found, err := r.Referrers(context.Background(), subject)
		list = append(list, found...)
		if err == nil {
			err = artifact.ErrNotFound
		}
		return err
	})
	return list, err
}

func (l layout) blob(name string, d digest.Digest) (content io.ReadSeekCloser, size int64, err error) {
	err = l.each(name, func(*ocilayout.Repository) error {
		content, size, err = l.source.OpenBlob(d)
		return err
	})
	return content, size, err
}
