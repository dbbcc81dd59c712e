package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// list answers the catalog and lists of tags. go-containerregistry knows
// neither order, nor pages of the one, nor links to the next page of the other,
// without which a client that reads by pages loses some.
func (r *Registry) list(w http.ResponseWriter, req *http.Request) {
	r.listing.Lock()
	defer r.listing.Unlock()
	found, ok := r.lists[req.URL.Path]
	if !ok {
		inner, complete := r.read(req)
		if !complete {
			inner.copyTo(w)
			return
		}
		found = inner.items
		r.lists[req.URL.Path] = found
	}
	items := page(w, req, found)
	if repository, ok := strings.CutSuffix(strings.TrimPrefix(req.URL.Path, "/v2/"), "/tags/list"); ok {
		answer(w, "application/json", map[string]any{"name": repository, "tags": items})
		return
	}
	answer(w, "application/json", map[string]any{"repositories": items})
}

// read asks for a whole list. False: there is none, and this is the answer.
func (r *Registry) read(req *http.Request) (b *buffered, ok bool) {
	whole := req.Clone(req.Context())
	whole.URL.RawQuery = "n=" + strconv.Itoa(maxList)
	b = &buffered{}
	r.handler.ServeHTTP(b, whole)
	var found struct{ Repositories, Tags []string }
	if b.status != 0 && b.status != http.StatusOK || json.Unmarshal(b.body.Bytes(), &found) != nil {
		return b, false
	}
	b.items = append(found.Repositories, found.Tags...)
	slices.Sort(b.items)
	return b, true
}

// forget drops the lists that are kept: a manifest has come or gone.
func (r *Registry) forget() {
	r.listing.Lock()
	defer r.listing.Unlock()
	clear(r.lists)
}

// maxList is more than any list has.
const maxList = 1 << 30

// page cuts a list as ?n= and ?last= ask, and links to what follows.
func page(w http.ResponseWriter, req *http.Request, list []string) []string {
	if list == nil {
		list = []string{}
	}
	q := req.URL.Query()
	if last := q.Get("last"); last != "" {
		at, found := slices.BinarySearch(list, last)
		if found {
			at++
		}
		list = list[at:]
	}
	n, err := strconv.Atoi(q.Get("n"))
	if err != nil || n < 0 || n >= len(list) {
		return list
	}
	if n > 0 {
		w.Header().Set("Link", fmt.Sprintf(`<%s?n=%d&last=%s>; rel="next"`, req.URL.Path, n, url.QueryEscape(list[n-1])))
	}
	return list[:n]
}

// buffered keeps an answer.
type buffered struct {
	header http.Header
	status int
	body   bytes.Buffer
	items  []string // of a list, sorted
}

// Header, WriteHeader and Write implement http.ResponseWriter.
func (b *buffered) Header() http.Header {
	if b.header == nil {
		b.header = http.Header{}
	}
	return b.header
}

func (b *buffered) WriteHeader(status int) { b.status = status }

func (b *buffered) Write(data []byte) (int, error) { return b.body.Write(data) }

func (b *buffered) copyTo(w http.ResponseWriter) {
	for key, values := range b.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(b.status)
	_, _ = w.Write(b.body.Bytes())
}
