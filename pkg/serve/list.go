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
	whole := req.Clone(req.Context())
	whole.URL.RawQuery = "n=" + strconv.Itoa(maxList)
	var inner buffered
	r.handler.ServeHTTP(&inner, whole)
	var found struct {
		Name         string   `json:"name,omitempty"`
		Repositories []string `json:"repositories,omitempty"`
		Tags         []string `json:"tags,omitempty"`
	}
	if inner.status != 0 && inner.status != http.StatusOK || json.Unmarshal(inner.body.Bytes(), &found) != nil {
		inner.copyTo(w)
		return
	}
	if strings.HasSuffix(req.URL.Path, "/tags/list") {
		slices.Sort(found.Tags)
		answer(w, "application/json", map[string]any{"name": found.Name, "tags": page(w, req, found.Tags)})
		return
	}
	slices.Sort(found.Repositories)
	answer(w, "application/json", map[string]any{"repositories": page(w, req, found.Repositories)})
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
