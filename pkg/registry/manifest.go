package registry

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// Resolve implements artifact.Reader with a HEAD, or with a GET if that says
// nothing.
func (r *remote) Resolve(ctx context.Context, tag string) (desc ocispec.Descriptor, err error) {
	err = r.trySources(ctx, tag, func(s *source) (err error) {
		desc, err = r.describe(ctx, s, tag)
		return err
	})
	return desc, err
}

// describe asks a source what a reference names. Some registries, and proxies
// before them, refuse a HEAD, do not find what they serve to a GET, or leave the
// digest out: then the manifest itself is asked for, and from then on first.
func (r *remote) describe(ctx context.Context, s *source, reference string) (ocispec.Descriptor, error) {
	if err := r.check(reference); err != nil {
		return ocispec.Descriptor{}, err
	}
	down := false
	if !s.ep.noHead.Load() {
		desc, err := r.head(ctx, s, reference)
		down = s == r.origin && breaksDown(err)
		if err == nil && desc.Digest != "" || err != nil && !otherwiseServed(err) && !down {
			return desc, err
		}
	}
	m, err := r.getFrom(ctx, s, reference, down)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	s.ep.noHead.Store(true)
	r.keep(m, reference)
	return m.desc, nil
}

// otherwiseServed reports whether another way of asking, a GET for a HEAD, can go
// better. Credentials that are missing or wrong are not tried twice.
func otherwiseServed(err error) bool {
	if denied, ok := errors.AsType[*AuthError](err); ok {
		return denied.Cause != AuthMissing && denied.Cause != AuthWrong
	}
	var status *StatusError
	return errors.As(err, &status) && !wire.Passing(status.Status) || errors.Is(err, artifact.ErrNotFound)
}

// breaksDown reports whether a registry has failed in all tries, and has not
// asked to be left alone: one more, by another way of asking, can go better.
func breaksDown(err error) bool {
	var status *StatusError
	var cut *UnreachableError
	return errors.As(err, &status) && status.TokenHost == "" && wire.Passing(status.Status) && status.RetryAfter <= 5*time.Second ||
		errors.As(err, &cut) && cut.Cause == NetworkReset && !errors.As(err, new(*wire.TokenError))
}

// head asks for a manifest's headers. The digest is "" if they do not say.
func (r *remote) head(ctx context.Context, s *source, reference string) (desc ocispec.Descriptor, err error) {
	req := r.request(s, wire.KindHead, http.MethodHead, "manifests/"+reference, reference)
	req.Header = accept()
	err = r.c.wire.Do(ctx, req, func(resp *http.Response) error {
		desc = ocispec.Descriptor{MediaType: mediaType(resp.Header), Size: max(resp.ContentLength, 0)}
		stated := digest.Digest(resp.Header.Get("Docker-Content-Digest"))
		if !artifact.IsContentDigest(stated) || resp.ContentLength < 0 || desc.MediaType == "" || wire.Coded(resp.Header) {
			desc = ocispec.Descriptor{}
			return nil
		}
		if isDigest(reference) && stated != digest.Digest(reference) {
			return &artifact.IntegrityError{Repository: r.name, ServedBy: s.ep.Name, Digest: digest.Digest(reference), Got: stated}
		}
		desc.Digest = stated
		return nil
	})
	return desc, err
}

// check refuses what would not make a path of one segment.
func (r *remote) check(reference string) error {
	if isDigest(reference) {
		return checkDigest(r.name, digest.Digest(reference))
	}
	if !artifact.IsTag(reference) {
		return &ReferenceError{r.name + ":" + reference, "has no valid tag"}
	}
	return nil
}

// Manifest implements artifact.Reader.
func (r *remote) Manifest(ctx context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	if err := r.check(reference); err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	if isDigest(reference) {
		return r.byDigest(ctx, digest.Digest(reference))
	}
	return r.byTag(ctx, reference)
}

// byDigest reads a manifest that never changes: from the cache if it is
// there, and once for all who ask at the same time.
func (r *remote) byDigest(ctx context.Context, d digest.Digest) (ocispec.Descriptor, []byte, error) {
	if m, ok := r.c.cache.get(d); ok {
		r.c.wire.Count(func(s *Stats) { s.Cached++ })
		return m.desc, m.data, nil
	}
	m, err := r.c.cache.once(ctx, r.name+"@"+d.String(), func() (manifest, error) {
		if m, ok := r.c.cache.get(d); ok { // put there by who was faster
			return m, nil
		}
		return r.getManifest(ctx, d.String())
	})
	return m.desc, m.data, err
}

// byTag reads what a tag names now. If that was known before, a HEAD can
// save the GET, which registries count as a pull.
func (r *remote) byTag(ctx context.Context, tag string) (ocispec.Descriptor, []byte, error) {
	m, err := r.c.cache.once(ctx, r.name+":"+tag, func() (manifest, error) {
		if !r.c.o.Offline && r.c.cache.remembers(r.name, tag) {
			desc, err := r.Resolve(ctx, tag)
			if err != nil {
				return manifest{}, err
			}
			m, err := r.manifestOf(ctx, desc.Digest)
			if err == nil {
				r.c.cache.remember(r.name, tag, desc.Digest)
			}
			return m, err
		}
		m, err := r.getManifest(ctx, tag)
		if err == nil {
			r.c.cache.remember(r.name, tag, m.desc.Digest)
		}
		return m, err
	})
	return m.desc, m.data, err
}

func (r *remote) manifestOf(ctx context.Context, d digest.Digest) (manifest, error) {
	desc, data, err := r.byDigest(ctx, d)
	return manifest{desc, data}, err
}

// getManifest fetches a manifest and keeps it.
func (r *remote) getManifest(ctx context.Context, reference string) (m manifest, err error) {
	err = r.trySources(ctx, reference, func(s *source) (err error) {
		if m, err = r.getFrom(ctx, s, reference, false); err == nil {
			r.c.served(s)
		}
		return err
	})
	if err != nil {
		return manifest{}, err
	}
	r.keep(m, reference)
	return m, nil
}

// keep puts a manifest into the cache. A failure is only a warning.
func (r *remote) keep(m manifest, reference string) {
	if err := r.c.cache.put(m); err != nil {
		r.c.wire.Event(Event{Kind: EventWarning, Subject: subject(r.name, reference), Err: err})
	}
}

// getFrom fetches a manifest from one source and checks it: against the digest
// asked for, or for a tag against the digest that the registry states. once says
// that all other tries are used up.
func (r *remote) getFrom(ctx context.Context, s *source, reference string, once bool) (m manifest, err error) {
	req := r.request(s, wire.KindManifest, http.MethodGet, "manifests/"+reference, reference)
	req.Header, req.Once = accept(), once
	err = r.c.wire.Do(ctx, req, func(resp *http.Response) error {
		want := digest.Digest(reference)
		if !isDigest(reference) {
			want = digest.Digest(resp.Header.Get("Docker-Content-Digest"))
			if !artifact.IsContentDigest(want) {
				want = ""
			}
		}
		if resp.ContentLength > artifact.MaxManifest {
			return artifact.TooLarge(r.name, s.ep.Name, want, resp.ContentLength)
		}
		data, err := io.ReadAll(io.LimitReader(resp.Body, artifact.MaxManifest+1))
		if err != nil {
			return err
		}
		if len(data) > artifact.MaxManifest {
			return artifact.TooLarge(r.name, s.ep.Name, want, int64(len(data)))
		}
		algorithm := digest.Canonical
		if want != "" {
			algorithm = want.Algorithm()
		}
		got := algorithm.FromBytes(data)
		if want != "" && got != want {
			return &artifact.IntegrityError{Repository: r.name, ServedBy: s.ep.Name, Digest: want, Got: got, Size: -1, GotSize: int64(len(data))}
		}
		m = newManifest(got, data, mediaType(resp.Header))
		return nil
	})
	return m, err
}

// manifest is one as read, with its descriptor.
type manifest struct {
	desc ocispec.Descriptor
	data []byte
}

// newManifest describes a manifest.
func newManifest(d digest.Digest, data []byte, header string) manifest {
	return manifest{ocispec.Descriptor{MediaType: artifact.MediaTypeOf(header, data), Digest: d, Size: int64(len(data))}, data}
}

// mediaType reads a Content-Type without its parameters.
func mediaType(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// accept names what a manifest may be. Registries convert, or deny, what is not
// named.
func accept() http.Header {
	return http.Header{"Accept": {strings.Join(artifact.DocumentTypes(), ", ")}}
}

// isDigest reports whether a reference is a digest, not a tag.
func isDigest(reference string) bool { return strings.Contains(reference, ":") }

// checkDigest refuses what is not a digest that can be computed here.
func checkDigest(repository string, d digest.Digest) error {
	if !artifact.IsContentDigest(d) {
		return &ReferenceError{repository + "@" + string(d), "has no valid digest"}
	}
	return nil
}
