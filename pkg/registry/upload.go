package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func queryEscape(s string) string { return url.QueryEscape(s) }

// setBody makes data the body of a request.
func (r *request) setBody(data []byte) {
	r.size = int64(len(data))
	r.body = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// contentError is an error in reading what is to be uploaded. Trying again is
// for who makes the content.
type contentError struct{ err error }

func (e *contentError) Error() string { return e.err.Error() }
func (e *contentError) Unwrap() error { return e.err }

// PushBlob implements Repository, with one POST and one PUT (distribution-spec,
// "POST then PUT"). A cut upload is sent again from its start.
func (r *remote) PushBlob(ctx context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	if err := checkDescriptor(r.name, desc); err != nil {
		return err
	}
	reference := desc.Digest.String()
	if ok, err := r.hasBlob(ctx, r.write(KindHead, http.MethodHead, "blobs/"+reference, reference)); ok || err != nil {
		return err
	}
	a := attempts{start: r.c.now()}
	for {
		err := r.upload(ctx, desc, open)
		if content, ok := errors.AsType[*contentError](err); ok {
			return content.err
		}
		if err == nil {
			return nil
		}
		if err = r.c.pause(ctx, &a, r.origin.ep.name, subject(r.name, reference), err); err != nil {
			return err
		}
	}
}

func (r *remote) upload(ctx context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	start := r.write(KindOther, http.MethodPost, "blobs/uploads/", desc.Digest.String())
	start.setBody(nil)
	resp, err := r.c.once(ctx, start)
	if err != nil {
		return err
	}
	resp.Body.Close()
	location, err := r.location(resp)
	if err != nil {
		return err
	}
	query := "digest=" + queryEscape(desc.Digest.String())
	if location.RawQuery != "" {
		query = location.RawQuery + "&" + query
	}
	location.RawQuery = query

	put := r.write(KindOther, http.MethodPut, "", desc.Digest.String())
	put.absolute = location
	put.header = http.Header{"Content-Type": {"application/octet-stream"}}
	put.size = desc.Size
	put.body = func() (io.ReadCloser, error) {
		body, err := open()
		if err != nil {
			return nil, &contentError{err}
		}
		return body, nil
	}
	resp, err = r.c.once(ctx, put)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusNoContent {
		return &ProtocolError{r.origin.ep.name, put.what(), "the upload was answered with " + resp.Status}
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
		return nil, &ProtocolError{r.origin.ep.name, r.name, "tells no location to upload to"}
	}
	u = asked.ResolveReference(u)
	u.User = nil
	if u.Hostname() == asked.Hostname() && (u.Port() == "" || u.Port() == asked.Port()) {
		u.Scheme, u.Host = asked.Scheme, asked.Host
	}
	if is := leadsInward(asked.Host, u.Host); is != "" {
		return nil, &ProtocolError{r.origin.ep.name, r.name, "wants uploads at " + place(u) + ", which is " + is}
	}
	if u.Scheme != "https" && (u.Scheme != "http" || u.Host != asked.Host && !r.c.web.plainAllowed(u)) {
		return nil, &ProtocolError{r.origin.ep.name, r.name, "wants uploads over plain HTTP at " + u.Host}
	}
	return u, nil
}
