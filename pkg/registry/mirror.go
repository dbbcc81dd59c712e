package registry

import (
	"context"
	"errors"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// source is one place where a repository's content is: a mirror or the origin.
type source struct {
	ep   *endpoint
	path string
	pull []string // the scope for reading
}

// name is HOST/PATH.
func (s *source) name() string { return s.ep.name + "/" + s.path }

// mirrorsOf returns the repositories that stand for name: those of the longest
// prefix first, of each in order. Prefixes match whole segments.
func mirrorsOf(mirrors []Mirror, name string) (out []string) {
	name = samePath(name)
	seen := map[string]bool{name: true}
	for length := len(name); length > 0; length = strings.LastIndexByte(name[:length], '/') {
		for _, m := range mirrors {
			if samePath(m.Prefix) != name[:length] {
				continue
			}
			for _, target := range m.Targets {
				if full := target + name[length:]; !seen[samePath(full)] {
					seen[samePath(full)] = true
					out = append(out, full)
				}
			}
		}
	}
	return out
}

// elsewhere reports whether the next source is worth asking after an error: the
// content is not here, or nobody is, or what is there cannot answer. A refusal of
// credentials is not passed over, since it says that the configuration is wrong;
// nor is wrong content.
func elsewhere(err error) bool {
	return errors.Is(err, artifact.ErrNotFound) || unreachable(err) || errors.As(err, new(*StatusError))
}

// unlistedError is a mirror's refusal to list tags, which counts as a list
// without any: caches list only what they have been asked for, or nothing.
type unlistedError struct{ err error }

func (e *unlistedError) Error() string        { return e.err.Error() }
func (e *unlistedError) Is(target error) bool { return target == artifact.ErrNotFound }
func (e *unlistedError) Unwrap() error        { return e.err }

func unreachable(err error) bool {
	var cut *UnreachableError
	var te *TLSError
	var scheme *SchemeError
	return errors.As(err, &cut) || errors.As(err, &te) || errors.As(err, &scheme)
}

// each asks the sources one after another until one serves. The error is the
// last one's, the origin's, or what blame says.
func (r *remote) each(ctx context.Context, reference string, ask func(*source) error) error {
	return r.eachFrom(ctx, 0, reference, ask)
}

// eachFrom is each without the sources before one.
func (r *remote) eachFrom(ctx context.Context, from int, reference string, ask func(*source) error) error {
	lacks := ""
	for at := from; ; at++ {
		if r.passOver(at) {
			continue
		}
		err := ask(r.sources[at])
		if err == nil {
			return nil
		}
		if !r.goOn(ctx, at, reference, err) {
			if lacks != "" && unreachable(err) {
				return &LackedError{Mirror: lacks, Err: err}
			}
			return r.blame(err, reference)
		}
		if errors.Is(err, artifact.ErrNotFound) {
			lacks = r.sources[at].ep.name
		}
	}
}

// passOver tells whether a mirror was out of order before. It is not asked again
// in the life of the Client.
func (r *remote) passOver(at int) bool {
	return at < len(r.sources)-1 && r.sources[at].ep.down.Load() != nil
}

// goOn tells whether the source after the one at a position is to be asked, and
// says so.
func (r *remote) goOn(ctx context.Context, at int, reference string, err error) bool {
	if at == len(r.sources)-1 || ctx.Err() != nil || !elsewhere(err) {
		return false
	}
	s := r.sources[at]
	var status *StatusError
	if unreachable(err) || errors.As(err, &status) && passing(status.Status) {
		s.ep.down.Store(&err)
	}
	r.c.event(Event{
		Kind: EventMirror, Host: s.ep.name, Subject: subject(r.name, reference),
		Next: r.sources[at+1].ep.name, Err: err,
	})
	return true
}

// blame picks the error to tell where all sources failed. Behind an air gap the
// origin is out of reach by design: then it is the mirror's failure that
// matters.
func (r *remote) blame(err error, reference string) error {
	if !unreachable(err) {
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
