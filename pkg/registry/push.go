package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// write is a request that changes the repository itself.
func (r *remote) write(kind wire.Kind, method, path, reference string) *wire.Request {
	req := r.request(r.origin, kind, method, path, reference)
	req.Scopes = []string{auth.ScopeRepository(r.origin.path, auth.ActionPull, auth.ActionPush)}
	return req
}

// Exists implements Target.
func (r *remote) Exists(ctx context.Context, desc ocispec.Descriptor) (bool, error) {
	if err := checkDescriptor(r.name, desc); err != nil {
		return false, err
	}
	if artifact.IsIndex(desc.MediaType) || artifact.IsManifest(desc.MediaType) {
		_, err := r.describe(ctx, r.origin, desc.Digest.String())
		return there(err)
	}
	return r.hasBlob(ctx, r.request(r.origin, wire.KindHead, http.MethodHead, "blobs/"+desc.Digest.String(), desc.Digest.String()))
}

// hasBlob asks with a HEAD. If that is refused the blob is taken for missing: a
// registry that refuses it too says so.
func (r *remote) hasBlob(ctx context.Context, req *wire.Request) (bool, error) {
	err := r.c.wire.Do(ctx, req, func(*http.Response) error { return nil })
	if err != nil && (otherwiseServed(err) || breaksDown(err)) {
		return false, nil
	}
	return err == nil, err
}

// there turns a 404 into false.
func there(err error) (bool, error) {
	if errors.Is(err, artifact.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// PushManifest implements Target.
func (r *remote) PushManifest(ctx context.Context, desc ocispec.Descriptor, data []byte, tags ...string) error {
	if err := checkDescriptor(r.name, desc); err != nil {
		return err
	}
	if got := desc.Digest.Algorithm().FromBytes(data); got != desc.Digest {
		return &artifact.IntegrityError{Repository: r.name, Digest: desc.Digest, Got: got, Size: desc.Size, GotSize: int64(len(data))}
	}
	references := tags
	if len(tags) == 0 {
		references = []string{desc.Digest.String()}
	}
	indexed := false
	for _, reference := range references {
		header, err := r.putManifest(ctx, desc, data, reference)
		if err != nil {
			return err
		}
		indexed = indexed || header.Get("OCI-Subject") != ""
	}
	subject, entry := artifact.Entry(desc, data)
	if subject == "" || indexed {
		return nil
	}
	// The header would have said so, but some registries leave it out.
	if _, err := r.referrersAPI(ctx, r.origin, subject); err == nil {
		return nil
	} else if none := (*NotSupportedError)(nil); !errors.As(err, &none) {
		return err
	}
	return r.addToFallback(ctx, subject, entry)
}

func (r *remote) putManifest(ctx context.Context, desc ocispec.Descriptor, data []byte, reference string) (header http.Header, err error) {
	if err := r.check(reference); err != nil {
		return nil, err
	}
	req := r.write(wire.KindOther, http.MethodPut, "manifests/"+reference, reference)
	req.Header = http.Header{"Content-Type": {desc.MediaType}}
	req.SetBody(data)
	err = r.c.wire.Do(ctx, req, func(resp *http.Response) error {
		header = resp.Header
		stated := digest.Digest(header.Get("Docker-Content-Digest"))
		if artifact.IsContentDigest(stated) && stated != desc.Digest {
			return &artifact.IntegrityError{Repository: r.name, ServedBy: r.origin.ep.Name, Digest: desc.Digest, Got: stated}
		}
		return nil
	})
	return header, err
}

// RemoveReferrer implements Target. What the fallback tag no longer lists
// refers to nothing, whether the registry deletes it or not.
func (r *remote) RemoveReferrer(ctx context.Context, subject, referrer digest.Digest) error {
	if err := errors.Join(checkDigest(r.name, subject), checkDigest(r.name, referrer)); err != nil {
		return err
	}
	_, apiErr := r.referrersAPI(ctx, r.origin, subject)
	byTag := errors.As(apiErr, new(*NotSupportedError))
	if byTag {
		without := func(list []ocispec.Descriptor) []ocispec.Descriptor {
			return slices.DeleteFunc(slices.Clone(list), func(d ocispec.Descriptor) bool { return d.Digest == referrer })
		}
		if err := r.changeFallback(ctx, subject, without); err != nil {
			return err
		}
	}
	req := r.write(wire.KindOther, http.MethodDelete, "manifests/"+referrer.String(), referrer.String())
	req.Scopes = []string{auth.ScopeRepository(r.origin.path, auth.ActionPull, auth.ActionPush, auth.ActionDelete)}
	err := r.c.wire.Do(ctx, req, func(*http.Response) error { return nil })
	switch {
	case byTag, err == nil, errors.Is(err, artifact.ErrNotFound):
		return nil
	case unsupported(err):
		return &NotSupportedError{r.origin.ep.Name, Deletion}
	}
	return err
}

// addToFallback lists a referrer under the fallback tag.
func (r *remote) addToFallback(ctx context.Context, subject digest.Digest, entry ocispec.Descriptor) error {
	return r.changeFallback(ctx, subject, func(list []ocispec.Descriptor) []ocispec.Descriptor {
		if slices.ContainsFunc(list, func(d ocispec.Descriptor) bool { return d.Digest == entry.Digest }) {
			return list
		}
		return append(list, entry)
	})
}

// changeFallback changes what the fallback tag lists. The registry offers no way
// to do it in one step: whoever writes there at the same time can
// undo it, so it is read back. change adds or removes one, or nothing.
func (r *remote) changeFallback(ctx context.Context, subject digest.Digest, change func([]ocispec.Descriptor) []ocispec.Descriptor) error {
	release, err := r.c.lockFallback(ctx)
	if err != nil {
		return err
	}
	defer release()
	tag := artifact.ReferrersTag(subject)
	for range wire.MaxTries {
		list, err := r.referrersTag(ctx, r.origin, subject)
		if err != nil {
			return err
		}
		changed := change(list)
		if len(changed) == len(list) {
			return nil
		}
		index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: append([]ocispec.Descriptor{}, changed...)}
		index.SchemaVersion = 2
		data, err := json.Marshal(index)
		if err != nil {
			return err
		}
		desc := ocispec.Descriptor{MediaType: index.MediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		if _, err := r.putManifest(ctx, desc, data, tag); err != nil {
			return err
		}
		r.c.wire.Event(Event{Kind: wire.EventFallback, Host: r.origin.ep.Name, Subject: r.name + ":" + tag})
	}
	return broken(r.origin.ep.Name, r.name+":"+tag, "does not keep what is written to it")
}

// lockFallback lets one fallback tag be changed at a time.
func (c *Client) lockFallback(ctx context.Context) (release func(), err error) {
	select {
	case c.fallback <- struct{}{}:
		return func() { <-c.fallback }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Mount implements Target. A refusal, whatever its reason, means that the
// blob must be uploaded, which reports the failure again if it matters.
func (r *remote) Mount(ctx context.Context, desc ocispec.Descriptor, from string) (bool, error) {
	if err := checkDescriptor(r.name, desc); err != nil {
		return false, err
	}
	host, path, _ := strings.Cut(from, "/")
	if !SameRegistry(host, r.origin.ep.Name) {
		return false, nil // another registry's
	}
	req := r.write(wire.KindOther, http.MethodPost, "blobs/uploads/", desc.Digest.String())
	req.Scopes = append(req.Scopes, auth.ScopeRepository(path, auth.ActionPull))
	req.Query = "mount=" + desc.Digest.String() + "&from=" + url.QueryEscape(path)
	mounted := false
	err := r.c.wire.Do(ctx, req, func(resp *http.Response) error {
		mounted = resp.StatusCode == http.StatusCreated
		return nil
	})
	var denied *AuthError
	var status *StatusError
	if errors.As(err, &denied) || errors.Is(err, artifact.ErrNotFound) || errors.As(err, &status) && !wire.Retriable(err) {
		return false, nil
	}
	return mounted, err
}

// PushBytes is PushBlob of what is at hand.
func PushBytes(ctx context.Context, r Target, desc ocispec.Descriptor, data []byte) error {
	return r.PushBlob(ctx, desc, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
}

// PushBlob implements Target, with one POST and one PUT (distribution-spec,
// "POST then PUT"). A cut upload is sent again from its start.
func (r *remote) PushBlob(ctx context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	if err := checkDescriptor(r.name, desc); err != nil {
		return err
	}
	reference := desc.Digest.String()
	if ok, err := r.hasBlob(ctx, r.write(wire.KindHead, http.MethodHead, "blobs/"+reference, reference)); ok || err != nil {
		return err
	}
	return r.c.wire.Retry(ctx, r.c.wire.Tries(false), r.origin.ep.Name, subject(r.name, reference), func() error {
		err := r.upload(ctx, desc, open)
		if content, ok := errors.AsType[*wire.ContentError](err); ok {
			return content.Err
		}
		return err
	})
}

func (r *remote) upload(ctx context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	start := r.write(wire.KindOther, http.MethodPost, "blobs/uploads/", desc.Digest.String())
	start.SetBody(nil)
	resp, err := r.c.wire.Send(ctx, start)
	if err != nil {
		return err
	}
	resp.Body.Close()
	asked := resp.Request.URL
	location, err := r.location(resp)
	if err != nil {
		return err
	}
	query := "digest=" + url.QueryEscape(desc.Digest.String())
	if location.RawQuery != "" {
		query = location.RawQuery + "&" + query
	}
	location.RawQuery = query

	put := r.write(wire.KindOther, http.MethodPut, "", desc.Digest.String())
	put.Absolute, put.From = location, asked
	put.Header = http.Header{"Content-Type": {"application/octet-stream"}}
	put.Size = desc.Size
	put.Body = func() (io.ReadCloser, error) {
		body, err := open()
		if err != nil {
			return nil, &wire.ContentError{Err: err}
		}
		return body, nil
	}
	resp, err = r.c.wire.Send(ctx, put)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusNoContent {
		return broken(r.origin.ep.Name, put.Subject(), "the upload was answered with "+resp.Status)
	}
	return nil
}

// location reads where an upload goes on. On the registry's own host it keeps
// the scheme that was asked: behind a proxy, registries write another. Elsewhere
// it must be HTTPS, or a host that may be asked without.
func (r *remote) location(resp *http.Response) (*url.URL, error) {
	asked := resp.Request.URL
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return nil, broken(r.origin.ep.Name, r.name, "does not say where to upload to")
	}
	u = asked.ResolveReference(u)
	u.User = nil
	if u.Hostname() == asked.Hostname() && (u.Port() == "" || u.Port() == asked.Port()) {
		u.Scheme, u.Host = asked.Scheme, asked.Host
	}
	if is := r.c.wire.LeadsInward(asked, u.Host); is != "" {
		return nil, broken(r.origin.ep.Name, r.name, "wants uploads at "+wire.Place(u)+", which is "+is)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || u.Host != asked.Host && !r.c.wire.PlainAllowed(u)) {
		return nil, broken(r.origin.ep.Name, r.name, "wants uploads over plain HTTP at "+u.Host)
	}
	return u, nil
}

// IsRefusal reports whether an error of a write is a registry's no to what it
// was asked, for good and whoever asks: what ECR (400), Docker Hub (403), ACR
// (405), Harbor (412) and others answer if a tag of theirs never moves.
func IsRefusal(err error) bool {
	if denied := (*AuthError)(nil); errors.As(err, &denied) {
		return forbidden(denied)
	}
	var status *StatusError
	return errors.As(err, &status) && status.TokenHost == "" && status.Status < 500 && !wire.Retriable(err)
}

// forbidden reports whether a refusal is of the thing rather than of who asks.
func forbidden(e *AuthError) bool { return e.Cause == AuthInsufficient || e.Cause == AuthDenied }
