package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// Referrers implements Repository. A mirror that knows of none is no reason to
// believe that there are none: mirrors drop signatures. A signature is verified
// whoever carries it, so the first source that has any is asked first.
func (r *remote) Referrers(ctx context.Context, subject digest.Digest) ([]ocispec.Descriptor, error) {
	list, _, err := r.ReferrersFrom(ctx, subject, 0)
	return list, err
}

// ReferrersFrom implements Repository.
func (r *remote) ReferrersFrom(ctx context.Context, subject digest.Digest, from int) (list []ocispec.Descriptor, next int, err error) {
	if err := checkDigest(r.name, subject); err != nil {
		return nil, from, err
	}
	if from >= len(r.sources) {
		return nil, from, nil
	}
	answered := from > 0
	next = from
	err = r.trySourcesFrom(ctx, from, subject.String(), func(s *source) (err error) {
		next = slices.Index(r.sources, s) + 1
		list, err = r.referrersAt(ctx, s, subject)
		if err == nil {
			answered = true
			if len(list) == 0 && s != r.origin {
				return &NotFoundError{Repository: s.name(), Reference: subject.String()}
			}
		}
		return err
	})
	if err != nil && answered && wire.Unreachable(err) {
		return nil, len(r.sources), nil
	}
	if err != nil {
		return nil, next, err
	}
	list, err = limited(r.name, subject, list)
	return list, next, err
}

// ReferrersNear implements Repository.
func (r *remote) ReferrersNear(ctx context.Context, subject digest.Digest) (list []ocispec.Descriptor, err error) {
	if err := checkDigest(r.name, subject); err != nil {
		return nil, err
	}
	err = r.trySources(ctx, subject.String(), func(s *source) (err error) {
		list, err = r.referrersAt(ctx, s, subject)
		if err == nil && len(list) == 0 && s != r.origin && r.origin.ep.listed.Load() {
			return &NotFoundError{Repository: s.name(), Reference: subject.String()}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return limited(r.name, subject, list)
}

func limited(repository string, d digest.Digest, found []ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	if len(found) > MaxReferrers {
		return found[:MaxReferrers], &LimitError{Subject: subject(repository, d.String()), What: "referrers", Limit: MaxReferrers}
	}
	return found, nil
}

// referrersAt asks the referrers API, and if there is none the fallback tag.
// Some registries refuse a path that they do not know: the tag counts then too,
// but that it is not there says nothing.
func (r *remote) referrersAt(ctx context.Context, s *source, subject digest.Digest) ([]ocispec.Descriptor, error) {
	list, err := r.referrersAPI(ctx, s, subject)
	if errors.As(err, new(*NotSupportedError)) {
		return r.referrersTag(ctx, s, subject)
	}
	if errors.As(err, new(*AuthError)) && otherwiseServed(err) {
		if list, terr := r.referrersTag(ctx, s, subject); terr == nil && len(list) > 0 {
			return list, nil
		}
	}
	return list, err
}

// referrersAPI reads the referrers API (distribution-spec, "Listing
// Referrers"). A registry that lacks it answers 404, or whatever it answers to
// a path that it does not know. It returns at most one more than MaxReferrers.
func (r *remote) referrersAPI(ctx context.Context, s *source, subject digest.Digest) (list []ocispec.Descriptor, err error) {
	lacks := &NotSupportedError{s.ep.Name, "referrers API"}
	if s.ep.noReferrers.Load() {
		return nil, lacks
	}
	req := r.request(s, wire.KindOther, http.MethodGet, "referrers/"+subject.String(), subject.String())
	req.Header = http.Header{"Accept": {ocispec.MediaTypeImageIndex}}
	err = pages(ctx, r.c, req, listing[ocispec.Descriptor]{
		of:  "referrers",
		key: func(d ocispec.Descriptor) string { return d.Digest.String() },
		read: func(resp *http.Response) ([]ocispec.Descriptor, error) {
			if resp.StatusCode != http.StatusOK || mediaType(resp.Header) != ocispec.MediaTypeImageIndex {
				return nil, lacks
			}
			return readReferrers(resp.Body, s.ep.Name, req.Subject())
		},
		page: func(page []ocispec.Descriptor) error {
			if list = append(list, page...); len(list) > MaxReferrers {
				return errEnough
			}
			return nil
		},
	})
	if err != nil && len(list) == 0 && unsupported(err) {
		if !unknownName(err) { // which says nothing of other repositories
			s.ep.noReferrers.Store(true)
		}
		return nil, lacks
	}
	return list, err
}

// readReferrers reads the list of what refers to something. Anybody can
// make it of any length.
func readReferrers(r io.Reader, host, what string) ([]ocispec.Descriptor, error) {
	data, err := io.ReadAll(io.LimitReader(r, artifact.MaxManifest+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > artifact.MaxManifest:
		return nil, &LimitError{Subject: what, What: "bytes of referrers", Limit: artifact.MaxManifest}
	case !json.Valid(data):
		return nil, broken(host, what, "the list of referrers does not parse")
	}
	doc, err := artifact.ParseDocument(what, ocispec.MediaTypeImageIndex, data)
	if err != nil {
		return nil, err
	}
	return doc.Manifests, nil
}

// unsupported reports whether an error means that a registry does not know what
// it was asked for.
func unsupported(err error) bool {
	var none *NotSupportedError
	if status, ok := errors.AsType[*StatusError](err); ok {
		return slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusNotImplemented}, status.Status)
	}
	return errors.As(err, &none) || errors.Is(err, artifact.ErrNotFound)
}

func unknownName(err error) bool {
	var missing *NotFoundError
	return errors.As(err, &missing) && slices.ContainsFunc(missing.Codes, func(c ErrorCode) bool {
		return c.Code == "NAME_UNKNOWN" || c.Code == "MANIFEST_UNKNOWN"
	})
}

// referrersTag reads the fallback tag. Some registries answer it with the
// subject itself (GitLab): what is not an index, or is the subject, lists nothing.
func (r *remote) referrersTag(ctx context.Context, s *source, subject digest.Digest) ([]ocispec.Descriptor, error) {
	tag := artifact.ReferrersTag(subject)
	m, err := r.getFrom(ctx, s, tag, false)
	if errors.Is(err, artifact.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if m.desc.MediaType != ocispec.MediaTypeImageIndex || m.desc.Digest == subject {
		return nil, nil
	}
	doc, err := artifact.ParseDocument(r.name+":"+tag, m.desc.MediaType, m.data)
	if err != nil {
		return nil, err
	}
	return doc.Manifests, nil
}
