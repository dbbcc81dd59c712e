package registry

import (
	"context"
	"errors"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// remote is a repository of a registry.
type remote struct {
	c       *Client
	name    string
	sources []*source // mirrors, and the origin last
	origin  *source
}

// Name implements Repository.
func (r *remote) Name() string { return r.name }

// request is what to ask of a source of this repository. path comes after
// /v2/NAME/.
func (r *remote) request(s *source, kind wire.Kind, method, path, reference string) *wire.Request {
	return &wire.Request{
		Endpoint: &s.ep.Endpoint, Kind: kind, Method: method, Path: "/v2/" + s.path + "/" + path,
		Repo: s.path, Scopes: s.pull, Name: r.name, Reference: reference, HasFallback: s != r.origin,
	}
}

// served counts which host content came from.
func (c *Client) served(s *source) {
	c.wire.Count(func(st *Stats) { st.Served[s.ep.Name]++ })
}

// source is one place where a repository's content is: a mirror or the origin.
type source struct {
	ep   *endpoint
	path string
	pull []string // the scope for reading
}

// name is HOST/PATH.
func (s *source) name() string { return s.ep.Name + "/" + s.path }

// mirrorsOf returns the repositories that stand for name: the system's, then those
// of the longest prefix first, of each in order. Prefixes match whole segments.
func mirrorsOf(mirrors []Mirror, name string) (out []string) {
	name = wire.OnePath(name)
	seen := map[string]bool{name: true}
	for _, system := range []bool{true, false} {
		for length := len(name); length > 0; length = strings.LastIndexByte(name[:length], '/') {
			for _, m := range mirrors {
				if m.System != system || wire.OnePath(m.Prefix) != name[:length] {
					continue
				}
				for _, target := range m.Targets {
					if full := target + name[length:]; !seen[wire.OnePath(full)] {
						seen[wire.OnePath(full)] = true
						out = append(out, full)
					}
				}
			}
		}
	}
	return out
}

// worthNextSource reports whether the next source is worth asking after an error: the
// content is not here, or the host is not, or what is there cannot answer or is no
// registry (a page of HTML in its place). A refusal of credentials is not passed over, since it says that the configuration is wrong;
// nor is wrong content.
func worthNextSource(err error) bool {
	return errors.Is(err, artifact.ErrNotFound) || wire.Unreachable(err) || errors.As(err, new(*StatusError)) ||
		errors.As(err, new(*ProtocolError))
}

// passedOverError is a mirror's refusal to list tags, or to give a blob away,
// which counts as having none: caches have what they were asked for, or nothing.
type passedOverError struct{ err error }

func (e *passedOverError) Error() string        { return e.err.Error() }
func (e *passedOverError) Is(target error) bool { return target == artifact.ErrNotFound }
func (e *passedOverError) Unwrap() error        { return e.err }

// trySources asks the sources one after another until one serves. The error is the
// last one's, the origin's, or what errorToReport says.
func (r *remote) trySources(ctx context.Context, reference string, ask func(*source) error) error {
	return r.trySourcesFrom(ctx, 0, reference, ask)
}

// trySourcesFrom is trySources without the sources before one.
func (r *remote) trySourcesFrom(ctx context.Context, from int, reference string, ask func(*source) error) error {
	lacks := ""
	for at := from; ; at++ {
		if r.skipDown(at) {
			continue
		}
		err := ask(r.sources[at])
		if err == nil {
			return nil
		}
		if !r.nextSource(ctx, at, reference, err) {
			if lacks != "" && wire.Unreachable(err) {
				return &LackedError{Mirror: lacks, Err: err}
			}
			return r.errorToReport(err, reference)
		}
		if errors.Is(err, artifact.ErrNotFound) {
			lacks = r.sources[at].ep.Name
		}
	}
}

// skipDown reports whether a mirror was out of order before. It is not asked again
// in the life of the Client.
func (r *remote) skipDown(at int) bool {
	return at < len(r.sources)-1 && r.sources[at].ep.down.Load() != nil
}

// nextSource reports whether the source after the one at a position is to be asked, and
// says so.
func (r *remote) nextSource(ctx context.Context, at int, reference string, err error) bool {
	if at == len(r.sources)-1 || ctx.Err() != nil || !worthNextSource(err) {
		return false
	}
	s := r.sources[at]
	var status *StatusError
	if wire.Unreachable(err) || errors.As(err, &status) && wire.Passing(status.Status) {
		s.ep.down.Store(&err)
	}
	r.c.wire.Event(Event{
		Kind: EventMirror, Host: s.ep.Name, Subject: subject(r.name, reference),
		Next: r.sources[at+1].ep.Name, Err: err,
	})
	return true
}

// errorToReport picks the error to return if all sources failed. Behind an air gap the
// origin is out of reach by design: then it is the mirror's failure that
// matters.
func (r *remote) errorToReport(err error, reference string) error {
	if !wire.Unreachable(err) {
		return err
	}
	for _, s := range r.sources[:len(r.sources)-1] {
		first := s.ep.down.Load()
		if first == nil {
			continue
		}
		var status *StatusError
		if errors.As(*first, &status) { // it may be about another repository
			own := *status
			own.Repository, own.Reference = r.name, reference
			return &own
		}
		return *first
	}
	return err
}
