package registry

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// layoutRepository is the part of a layout that stands for one repository.
type layoutRepository struct {
	name string
	open func() (*layout, *view, error)
}

// layoutRepository finds what oci-layout:PATH means: the driver at the end of
// PATH in the layout before it, or all of the layout at PATH. Nothing is opened
// before something is asked of it.
func (c *Client) layoutRepository(ref, path string) (Repository, error) {
	path = filepath.FromSlash(strings.TrimRight(path, "/"))
	if path == "" {
		return nil, &ReferenceError{ref, "names no folder"}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.o.BaseDir, path)
	}
	return &layoutRepository{name: ref, open: func() (*layout, *view, error) {
		if _, err := os.Stat(path); err == nil {
			l, err := c.layout(path)
			if err != nil {
				return nil, nil, err
			}
			return l, l.view(func(d ocispec.Descriptor) (string, bool) { return d.Annotations[ocispec.AnnotationRefName], true }), nil
		}
		dir, name := filepath.Split(path)
		l, err := c.layout(filepath.Clean(dir))
		if errors.Is(err, fs.ErrNotExist) {
			err = &NoLayoutError{ref, filepath.Clean(dir)}
		}
		if err != nil {
			return nil, nil, err
		}
		return l, l.driver(name), nil
	}}, nil
}

// layout opens a layout once.
func (c *Client) layout(path string) (*layout, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.layouts[path]; l != nil {
		return l, nil
	}
	l, err := openLayout(path)
	if err == nil {
		c.layouts[path] = l
	}
	return l, err
}

// Name implements Repository.
func (r *layoutRepository) Name() string { return r.name }

// Tags implements Repository.
func (r *layoutRepository) Tags(ctx context.Context, page func([]string) error) error {
	_, v, err := r.open()
	if err != nil {
		return err
	}
	if len(v.own) == 0 {
		return &NotFoundError{Repository: r.name}
	}
	if len(v.tags) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	return page(slices.Clone(v.tags))
}

// Resolve implements artifact.Reader.
func (r *layoutRepository) Resolve(_ context.Context, tag string) (ocispec.Descriptor, error) {
	_, v, err := r.open()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	d, ok := v.entries[tag]
	if !ok {
		return ocispec.Descriptor{}, &NotFoundError{Repository: r.name, Reference: tag}
	}
	return ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, nil
}

// Manifest implements artifact.Reader. A digest can be any that the layout
// holds: who knows it may read it.
func (r *layoutRepository) Manifest(ctx context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	l, _, err := r.open()
	if err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	desc := ocispec.Descriptor{Digest: digest.Digest(reference)}
	if !isDigest(reference) {
		if desc, err = r.Resolve(ctx, reference); err != nil {
			return desc, nil, err
		}
	}
	m, err := l.manifest(ctx, r.name, desc.Digest, desc.MediaType)
	return m.desc, m.data, err
}

// Blob implements artifact.Reader.
func (r *layoutRepository) Blob(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	l, _, err := r.open()
	if err != nil {
		return nil, err
	}
	return l.blob(ctx, r.name, desc)
}

// Referrers implements Repository: the entries whose manifest has the subject,
// and those that the fallback tag lists.
func (r *layoutRepository) Referrers(ctx context.Context, subject digest.Digest) (found []ocispec.Descriptor, err error) {
	if err := checkDigest(r.name, subject); err != nil {
		return nil, err
	}
	l, v, err := r.open()
	if err != nil {
		return nil, err
	}
	add := func(d ocispec.Descriptor) {
		if !slices.ContainsFunc(found, func(f ocispec.Descriptor) bool { return f.Digest == d.Digest }) {
			found = append(found, d)
		}
	}
	for _, d := range v.own {
		if !artifact.IsManifest(d.MediaType) && !artifact.IsIndex(d.MediaType) {
			continue
		}
		m, err := l.manifest(ctx, r.name, d.Digest, d.MediaType)
		if err != nil {
			return nil, err
		}
		if of, entry := referring(m.desc, m.data); of == subject {
			add(entry)
		}
	}
	tag := artifact.ReferrersTag(subject)
	if d, ok := v.entries[tag]; ok && d.Digest != subject {
		m, err := l.manifest(ctx, r.name, d.Digest, d.MediaType)
		if err != nil {
			return nil, err
		}
		if artifact.IsIndex(m.desc.MediaType) {
			doc, err := artifact.ParseDocument(r.name+":"+tag, m.desc.MediaType, m.data)
			if err != nil {
				return nil, err
			}
			for _, d := range doc.Manifests {
				add(d)
			}
		}
	}
	return limited(r.name, subject, found)
}

// ReferrersFrom implements Repository: a layout is its own only source.
func (r *layoutRepository) ReferrersFrom(ctx context.Context, subject digest.Digest, from int) (list []ocispec.Descriptor, next int, err error) {
	if from > 0 {
		return nil, from, nil
	}
	list, err = r.Referrers(ctx, subject)
	return list, 1, err
}

// Exists implements Repository.
func (r *layoutRepository) Exists(_ context.Context, desc ocispec.Descriptor) (bool, error) {
	l, _, err := r.open()
	if err != nil {
		return false, err
	}
	_, ok := l.Has(desc.Digest)
	return ok, nil
}

// PushBlob implements Repository; it always fails.
func (r *layoutRepository) PushBlob(context.Context, ocispec.Descriptor, func() (io.ReadCloser, error)) error {
	return &ReadOnlyError{r.name}
}

// Mount implements Repository; it always fails.
func (r *layoutRepository) Mount(context.Context, ocispec.Descriptor, string) (bool, error) {
	return false, &ReadOnlyError{r.name}
}

// PushManifest implements Repository; it always fails.
func (r *layoutRepository) PushManifest(context.Context, ocispec.Descriptor, []byte, ...string) error {
	return &ReadOnlyError{r.name}
}
