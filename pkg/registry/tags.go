package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

const (
	pageSize    = 1000     // the most that distribution gives
	maxPages    = 5_000    // of one list
	maxPageSize = 16 << 20 // bytes of one page; some registries send everything at once
	maxItems    = 500_000  // of one page
	maxEmpty    = 100      // pages in a row with nothing on them
)

// Tags implements Repository.
func (r *remote) Tags(ctx context.Context, page func([]string) error) error {
	var missing, final error
	err := r.each(ctx, "", func(s *source) error {
		req := r.request(s, KindTags, http.MethodGet, "tags/list", "")
		begun := false
		err := r.c.pages(ctx, req, "tags", func(tags []string) error {
			begun = true
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
			err = &NotFoundError{Repository: s.name(), Host: s.ep.name}
		case errors.As(err, &denied):
			missing = denied
			return &unlistedError{err}
		}
		if errors.Is(err, artifact.ErrNotFound) {
			missing = err
		}
		return err
	})
	// A mirror that stands for the origin behind an air gap says that there is
	// no such repository, and nobody else can be asked.
	if missing != nil && unreachable(err) {
		return missing
	}
	if err == nil {
		err = final
	}
	return err
}

// pages reads a list that comes in pages (distribution-spec, "Listing Tags").
func (c *Client) pages(ctx context.Context, req *request, field string, page func([]string) error) error {
	req.header = http.Header{"Accept": {"application/json"}}
	req.query = "n=" + strconv.Itoa(pageSize)
	seen, pagesSeen := map[string]bool{}, map[[2]string]bool{}
	empty := 0
	for range maxPages {
		seen[req.query] = true
		items, link, err := c.onePage(ctx, req, field)
		if status, ok := errors.AsType[*StatusError](err); ok && status.Status == http.StatusBadRequest && len(seen) == 1 {
			req.query = "" // a registry that refuses n, or one so large
			items, link, err = c.onePage(ctx, req, field)
		}
		if err != nil {
			return err
		}
		again := false
		if len(items) > 0 {
			ends := [2]string{items[0], items[len(items)-1]}
			again, pagesSeen[ends] = pagesSeen[ends], true
			empty = 0
		} else {
			empty++
		}
		switch {
		case again && link == "":
			return nil // the same page again: the registry ignores last
		case again, empty > maxEmpty: // with a query that is new each time
			return circles(req, field)
		case len(items) > 0:
			if err := page(items); err != nil {
				return err
			}
		}
		switch {
		case link != "":
			query, ok := nextQuery(req.path, req.list(), link)
			if !ok {
				return &ProtocolError{req.ep.name, req.what(), "the list of " + field + " goes on at " + bounded(link) + ", which is no page of it"}
			}
			req.query = query
		case len(items) == pageSize:
			// Exactly as many as asked for, and no link: some registries omit it.
			req.query = url.Values{"n": {strconv.Itoa(pageSize)}, "last": {items[len(items)-1]}}.Encode()
		default:
			return nil
		}
		if seen[req.query] {
			return circles(req, field)
		}
	}
	return &LimitError{Subject: req.what(), What: "pages of " + field, Limit: maxPages}
}

func circles(req *request, field string) error {
	return &ProtocolError{req.ep.name, req.what(), "the list of " + field + " goes in circles"}
}

func (c *Client) onePage(ctx context.Context, req *request, field string) (items []string, link string, err error) {
	err = c.fetch(ctx, req, func(resp *http.Response) (err error) {
		link = nextLink(resp.Header.Values("Link"))
		items, err = decodeList(io.LimitReader(resp.Body, maxPageSize), field)
		return protocol(err, req.ep.name, req.what(), "the list of "+field+" does not parse")
	})
	return items, link, err
}

// decodeList reads {"name": …, FIELD: ["…", …]} as it comes. null is an empty
// list; fields of other names are passed over.
func decodeList(r io.Reader, field string) ([]string, error) {
	d := json.NewDecoder(r)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(err, notJSON(t, "an object"))
	}
	var items []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		if key != field {
			var skip json.RawMessage
			if err := d.Decode(&skip); err != nil {
				return nil, err
			}
			continue
		}
		if items, err = decodeStrings(d, items); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return items, err
}

func decodeStrings(d *json.Decoder, items []string) ([]string, error) {
	t, err := d.Token()
	if err != nil || t == nil { // null
		return items, err
	}
	if t != json.Delim('[') {
		return nil, notJSON(t, "a list")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		s, ok := t.(string)
		if !ok {
			return nil, notJSON(t, "a string")
		}
		if len(items) == maxItems {
			return nil, fmt.Errorf("more than %d items", maxItems)
		}
		items = append(items, s)
	}
	_, err = d.Token()
	return items, err
}

func notJSON(t json.Token, want string) error {
	return fmt.Errorf("%v stands where %s should", t, want)
}

// decode reads one JSON value of at most limit bytes.
func decode(r io.Reader, limit int64, v any) error {
	return json.NewDecoder(io.LimitReader(r, limit)).Decode(v)
}

// protocol makes a *ProtocolError of an error in parsing, and leaves one in
// reading as it is.
func protocol(err error, host, subject, problem string) error {
	if err == nil || isContext(err) {
		return err
	}
	if errors.As(err, new(*UnreachableError)) {
		return err
	}
	return &ProtocolError{host, subject, problem}
}
