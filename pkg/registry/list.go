package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

const (
	pageSize    = 1000     // the most that distribution gives
	maxPages    = 5_000    // of one list
	maxPageSize = 16 << 20 // bytes of one page; some registries send everything at once
	maxItems    = 500_000  // of one page
	maxEmpty    = 100      // pages in a row with nothing on them
)

// AllTags returns a repository's tags in one. After an error they are those that
// came before it.
func AllTags(ctx context.Context, r Repository) (tags []string, err error) {
	err = r.Tags(ctx, func(page []string) error {
		tags = append(tags, page...)
		return nil
	})
	return tags, err
}

// Tags implements Repository.
func (r *remote) Tags(ctx context.Context, page func([]string) error) error {
	var missing, final error
	var floating []string // what a mirror lists that lists no version
	err := r.trySources(ctx, "", func(s *source) error {
		begun := false
		err := r.c.names(ctx, r.request(s, wire.KindTags, http.MethodGet, "tags/list", ""), "tags", func(tags []string) error {
			if s != r.origin && !begun {
				// A cache lists what it was asked for, a moving tag perhaps and
				// none of the versions that the origin has.
				floating = append(floating, tags...)
				if !slices.ContainsFunc(tags, isVersion) {
					return nil
				}
				tags, floating = floating, nil
			}
			begun = true
			s.ep.listed.Store(true)
			return page(tags)
		})
		if begun { // a list half from here and half from there would be neither's
			final = err
			return nil
		}
		var denied *AuthError
		switch {
		case s == r.origin:
		case err == nil:
			err = &NotFoundError{Repository: s.name(), Host: s.ep.Name}
		case errors.As(err, &denied):
			missing = denied
			return &passedOverError{err}
		}
		if errors.Is(err, artifact.ErrNotFound) || s != r.origin && errors.As(err, new(*ProtocolError)) {
			missing = err
		}
		return err
	})
	if err != nil && len(floating) > 0 && (wire.Unreachable(err) || errors.Is(err, artifact.ErrNotFound)) {
		return page(floating)
	}
	// A mirror that stands for the origin behind an air gap says that there is
	// no such repository, and nobody else can be asked.
	if missing != nil && wire.Unreachable(err) {
		return missing
	}
	if err == nil {
		err = final
	}
	return err
}

func isVersion(tag string) bool {
	_, ok := artifact.ParseTag(tag)
	return ok
}

// Catalog calls page with the registry's repositories, HOST/PATH, some at a
// time. Errors: *NotSupportedError if the registry has no catalog, and those
// of a Repository.
func (c *Client) Catalog(ctx context.Context, host string, page func(repositories []string) error) error {
	if err := checkHost(host); err != nil {
		return err
	}
	none := &NotSupportedError{host, "catalog"}
	if wire.IsHub(host) {
		return none // Docker Hub refuses it to everyone
	}
	req := &wire.Request{
		Endpoint: &c.endpoint(host).Endpoint, Kind: wire.KindOther, Method: http.MethodGet, Path: "/v2/_catalog",
		Scopes: []string{"registry:catalog:*"},
	}
	begun := false
	err := c.names(ctx, req, "repositories", func(names []string) error {
		begun = true
		for i, name := range names {
			names[i] = host + "/" + name
		}
		return page(names)
	})
	if err != nil && !begun && unsupported(err) {
		return none
	}
	if errors.As(err, new(*ProtocolError)) && !begun {
		return none // some answer any path with a page of HTML
	}
	return err
}

// names reads a list of names that comes in pages (distribution-spec, "Listing
// Tags").
func (c *Client) names(ctx context.Context, req *wire.Request, field string, page func([]string) error) error {
	req.Header = http.Header{"Accept": {"application/json"}}
	return pages(ctx, c, req, listing[string]{
		of: field, sized: true, page: page,
		key: func(name string) string { return name },
		read: func(resp *http.Response) ([]string, error) {
			names, err := decodeNames(io.LimitReader(resp.Body, maxPageSize), field)
			return names, wire.Unparsed(err, req.Endpoint.Name, req.Subject(), "the list of "+field+" does not parse")
		},
	})
}

// listing is a list that comes in pages.
type listing[T any] struct {
	of    string // what is listed, for messages
	sized bool   // how many a page has is asked for, and a full one can go on without a link
	read  func(*http.Response) ([]T, error)
	key   func(T) string
	page  func([]T) error
}

// errEnough ends a list that nobody reads to its end.
var errEnough = errors.New("enough")

// pages reads a list page by page: by the Link of each (RFC 8288), or if that
// is absent by the last name on a full page.
func pages[T any](ctx context.Context, c *Client, req *wire.Request, l listing[T]) error {
	if l.sized {
		req.Query = "n=" + strconv.Itoa(pageSize)
	}
	circles := broken(req.Endpoint.Name, req.Subject(), "the list of "+l.of+" goes in circles")
	seen, pagesSeen := map[string]bool{}, map[[2]string]bool{}
	empty := 0
	for range maxPages {
		seen[req.Query] = true
		items, link, err := onePage(ctx, c, req, l)
		var status *StatusError
		if l.sized && errors.As(err, &status) && status.Status == http.StatusBadRequest && len(seen) == 1 {
			req.Query = "" // a registry that refuses n, or one so large
			items, link, err = onePage(ctx, c, req, l)
		}
		if err != nil {
			return err
		}
		again := false
		if len(items) > 0 {
			ends := [2]string{l.key(items[0]), l.key(items[len(items)-1])}
			again, pagesSeen[ends] = pagesSeen[ends], true
			empty = 0
		} else {
			empty++
		}
		switch {
		case again && link == "":
			return nil // the same page again: the registry ignores last
		case again, empty > maxEmpty: // with a query that is new each time
			return circles
		case len(items) > 0:
			if err := l.page(items); errors.Is(err, errEnough) {
				return nil
			} else if err != nil {
				return err
			}
		}
		switch {
		case link != "":
			query, ok := wire.NextQuery(req.Path, req.List(), link)
			if !ok {
				return broken(req.Endpoint.Name, req.Subject(), "the list of "+l.of+" goes on at "+wire.Bounded(link)+", which is not a page of it")
			}
			req.Query = query
		case l.sized && len(items) == pageSize:
			// Exactly as many as asked for, and no link: some registries omit it.
			req.Query = url.Values{"n": {strconv.Itoa(pageSize)}, "last": {l.key(items[len(items)-1])}}.Encode()
		default:
			return nil
		}
		if seen[req.Query] {
			return circles
		}
	}
	return &LimitError{Subject: req.Subject(), What: "pages of " + l.of, Limit: maxPages}
}

func onePage[T any](ctx context.Context, c *Client, req *wire.Request, l listing[T]) (items []T, link string, err error) {
	err = c.wire.Do(ctx, req, func(resp *http.Response) (err error) {
		link = wire.NextLink(resp.Header.Values("Link"))
		items, err = l.read(resp)
		return err
	})
	return items, link, err
}

// decodeNames reads {"name": …, FIELD: ["…", …]} as it comes, and no more names
// than a page can have. null is an empty list; fields of other names are passed
// over.
func decodeNames(r io.Reader, field string) (names []string, err error) {
	d := json.NewDecoder(r)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(err, fmt.Errorf("%v is not an object", t))
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		if key != field {
			if err := d.Decode(new(json.RawMessage)); err != nil {
				return nil, err
			}
			continue
		}
		switch t, err := d.Token(); {
		case err != nil:
			return nil, err
		case t == nil: // null
			continue
		case t != json.Delim('['):
			return nil, fmt.Errorf("%v is not a list", t)
		}
		for d.More() {
			t, err := d.Token()
			name, isString := t.(string)
			switch {
			case err != nil:
				return nil, err
			case !isString:
				return nil, fmt.Errorf("%v is not a string", t)
			case len(names) == maxItems:
				return nil, fmt.Errorf("more than %d items", maxItems)
			}
			names = append(names, name)
		}
		if _, err := d.Token(); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return names, err
}
