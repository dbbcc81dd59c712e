package ocilayout

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// Repository is the part of a layout that stands for one repository, as
// registry.Repository has it.
type Repository struct {
	name string
	open func() (*Layout, *view, error)
}

// Opener opens the layouts that oci-layout: names mean, each once for its life.
type Opener struct {
	BaseDir string // from which relative paths start

	mu      sync.Mutex
	layouts map[string]*Layout // by path
}

// Repository finds what oci-layout:PATH means: the driver at the end of PATH in the
// layout before it, or all of the layout at PATH. Nothing is opened before something
// is asked of it; that then returns a *NoLayoutError if nothing is there, and
// an *Error if it is not a layout. Errors: *artifact.RepositoryError.
func (o *Opener) Repository(ref string) (*Repository, error) {
	path := filepath.FromSlash(strings.TrimRight(strings.TrimPrefix(ref, artifact.LayoutScheme), "/"))
	if path == "" {
		return nil, &artifact.RepositoryError{Text: ref, Reason: "names no folder"}
	}
	path = system.Abs(o.BaseDir, path)
	return &Repository{name: ref, open: func() (*Layout, *view, error) {
		if _, err := os.Stat(path); err == nil {
			l, err := o.layout(path)
			if err != nil {
				return nil, nil, err
			}
			return l, l.view(func(d ocispec.Descriptor) (string, bool) { return d.Annotations[ocispec.AnnotationRefName], true }), nil
		}
		dir, name := filepath.Split(path)
		l, err := o.layout(filepath.Clean(dir))
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
func (o *Opener) layout(path string) (*Layout, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l := o.layouts[path]; l != nil {
		return l, nil
	}
	l, err := Open(path)
	if err != nil {
		return nil, err
	}
	if o.layouts == nil {
		o.layouts = map[string]*Layout{}
	}
	o.layouts[path] = l
	return l, nil
}

// Name implements Repository.
func (r *Repository) Name() string { return r.name }

// Tags implements Repository.
func (r *Repository) Tags(ctx context.Context, page func([]string) error) error {
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
func (r *Repository) Resolve(_ context.Context, tag string) (ocispec.Descriptor, error) {
	_, v, err := r.open()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	d, ok := v.entries[tag]
	if !ok {
		return ocispec.Descriptor{}, &NotFoundError{Repository: r.name, Tag: tag}
	}
	return ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, nil
}

// Manifest implements artifact.Reader. A digest can be any that the layout
// holds.
func (r *Repository) Manifest(ctx context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	l, _, err := r.open()
	if err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	desc := ocispec.Descriptor{Digest: digest.Digest(reference)}
	if !strings.Contains(reference, ":") {
		if desc, err = r.Resolve(ctx, reference); err != nil {
			return desc, nil, err
		}
	}
	return l.manifest(ctx, r.name, desc.Digest, desc.MediaType)
}

// Blob implements artifact.Reader.
func (r *Repository) Blob(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	l, _, err := r.open()
	if err != nil {
		return nil, err
	}
	return l.blob(ctx, r.name, desc)
}

// Referrers implements Repository: the entries whose manifest has the subject,
// and those that the fallback tag lists.
func (r *Repository) Referrers(ctx context.Context, subject digest.Digest) (found []ocispec.Descriptor, err error) {
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
		desc, data, err := l.manifest(ctx, r.name, d.Digest, d.MediaType)
		if err != nil {
			return nil, err
		}
		if of, entry := artifact.Entry(desc, data); of == subject {
			add(entry)
		}
	}
	tag := artifact.ReferrersTag(subject)
	if d, ok := v.entries[tag]; ok && d.Digest != subject {
		desc, data, err := l.manifest(ctx, r.name, d.Digest, d.MediaType)
		if err != nil {
			return nil, err
		}
		if artifact.IsIndex(desc.MediaType) {
			doc, err := artifact.ParseDocument(r.name+":"+tag, desc.MediaType, data)
			if err != nil {
				return nil, err
			}
			for _, d := range doc.Manifests {
				add(d)
			}
		}
	}
	return found, nil
}

// ReferrersFrom implements Repository: a layout is its own only source.
func (r *Repository) ReferrersFrom(ctx context.Context, subject digest.Digest, from int) (list []ocispec.Descriptor, next int, err error) {
	if from > 0 {
		return nil, from, nil
	}
	list, err = r.Referrers(ctx, subject)
	return list, 1, err
}

// ReferrersNear implements Repository.
func (r *Repository) ReferrersNear(ctx context.Context, subject digest.Digest) ([]ocispec.Descriptor, error) {
	return r.Referrers(ctx, subject)
}
