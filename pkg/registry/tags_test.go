package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// numbered returns n tags in the order in which a registry sorts them.
func numbered(n int) []string {
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf("0.%06d.0", i)
	}
	return tags
}

// tagList answers tag lists as registries do. link makes the Link header of a
// page from the query of the next one.
type tagList struct {
	tags     []string
	ignoreN  bool
	maxN     int // more is refused, 0: nothing is
	link     func(repo, query string) string
	ignoreAt bool // last is ignored
}

func (l tagList) answer(n int, w http.ResponseWriter, req *http.Request) bool {
	repo, ok := strings.CutSuffix(strings.TrimPrefix(req.URL.Path, "/v2/"), "/tags/list")
	if !ok {
		return false
	}
	q := req.URL.Query()
	size, _ := strconv.Atoi(q.Get("n"))
	if l.maxN > 0 && size > l.maxN {
		return refuse(w, http.StatusBadRequest, "PAGINATION_NUMBER_INVALID")
	}
	if size == 0 || l.ignoreN {
		size = len(l.tags)
		if l.maxN > 0 {
			size = l.maxN
		}
	}
	from := 0
	if last := q.Get("last"); last != "" && !l.ignoreAt {
		from, _ = slices.BinarySearch(l.tags, last)
		from++
	}
	page := l.tags[from:min(from+size, len(l.tags))]
	if from+size < len(l.tags) && l.link != nil {
		next := url.Values{"n": {strconv.Itoa(size)}, "last": {page[len(page)-1]}}.Encode()
		w.Header().Set("Link", l.link(repo, next))
	}
	json.NewEncoder(w).Encode(map[string]any{"name": repo, "tags": page})
	return true
}

func TestTags(t *testing.T) {
	path := func(repo, query string) string { return "/v2/" + repo + "/tags/list?" + query }
	next := func(target string) string { return "<" + target + `>; rel="next"` }
	links := map[string]func(repo, query string) string{
		"relative":       func(r, q string) string { return next(path(r, q)) },
		"query only":     func(r, q string) string { return next("?" + q) },
		"last segment":   func(r, q string) string { return next("list?" + q) },
		"wrong host":     func(r, q string) string { return next("https://nexus.internal:8443" + path(r, q)) },
		"wrong scheme":   func(r, q string) string { return next("gopher://127.0.0.1" + path(r, q)) },
		"folder before":  func(r, q string) string { return next("http://proxy.example/repository/docker" + path(r, q)) },
		"folder lost":    func(r, q string) string { return next("/v2/x/tags/list?" + q) },
		"unquoted":       func(r, q string) string { return "<" + path(r, q) + ">;rel=next" },
		"among others":   func(r, q string) string { return `</x>; rel="prev", ` + next(path(r, q)) + `, </y>; rel=last` },
		"several words":  func(r, q string) string { return "<" + path(r, q) + `>; title="a;b, <c>"; rel="last NEXT"` },
		"absent at 1000": nil,
	}
	for name, link := range links {
		for _, n := range []int{0, 1, 999, 1000, 1001, 2500} {
			r := registrytest.New(t)
			r.SetFault(tagList{tags: numbered(n), link: link}.answer)
			c, _ := newClient(t, Options{})
			tags, err := allTags(repository(t, c, r.Host()+"/db/x"))
			if err != nil || !slices.Equal(tags, numbered(n)) {
				t.Errorf("%s: %d of %d tags, %v", name, len(tags), n, err)
			}
			want := n/pageSize + 1
			if n%pageSize == 0 && n > 0 && link != nil {
				want = n/pageSize + 1 // a page that is exactly full is asked what comes after it
			}
			if got := c.Stats().Requests[wire.KindTags]; got != want {
				t.Errorf("%s: %d requests for %d tags, want %d", name, got, n, want)
			}
		}
	}
}

func TestTagsOfOddRegistries(t *testing.T) {
	rel := func(repo, query string) string { return "</v2/" + repo + "/tags/list?" + query + `>; rel="next"` }
	for name, tc := range map[string]struct {
		l        tagList
		requests int
	}{
		"n ignored, all at once":   {tagList{tags: numbered(5000), ignoreN: true}, 1},
		"n too large":              {tagList{tags: numbered(250), maxN: 100, link: rel}, 4},
		"no link and last ignored": {tagList{tags: numbered(1000), ignoreAt: true}, 2},
	} {
		r := registrytest.New(t)
		r.SetFault(tc.l.answer)
		c, _ := newClient(t, Options{})
		tags, err := allTags(repository(t, c, r.Host()+"/db/x"))
		if err != nil || !slices.Equal(tags, tc.l.tags) || len(r.Seen()) != tc.requests {
			t.Errorf("%s: %d of %d tags after %d requests, %v", name, len(tags), len(tc.l.tags), len(r.Seen()), err)
		}
	}
}

func TestTagsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		link    string
		body    string
		problem string
	}{
		"same page":     {`</v2/db/x/tags/list?n=1000>; rel="next"`, `{"tags":["1.0.0"]}`, "circles"},
		"back again":    {`</v2/db/x/tags/list?last=b>; rel="next"`, `{"tags":["1.0.0"]}`, "circles"},
		"another list":  {`</v2/db/x/referrers/y?n=1&last=b>; rel="next"`, `{"tags":["1.0.0"]}`, "not a page of it"},
		"no query":      {`</v2/db/x/tags/list>; rel="next"`, `{"tags":["1.0.0"]}`, "not a page of it"},
		"HTML":          {"", `<html>`, "does not parse"},
		"a list":        {"", `["1.0.0"]`, "does not parse"},
		"numbers":       {"", `{"tags":[1]}`, "does not parse"},
		"cut JSON":      {"", `{"tags":["1.0.0"`, "does not parse"},
		"tags a string": {"", `{"tags":"1.0.0"}`, "does not parse"},
	} {
		r := registrytest.New(t)
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			if tc.link != "" {
				w.Header().Set("Link", tc.link)
			}
			fmt.Fprint(w, tc.body)
			return true
		})
		c, _ := newClient(t, Options{})
		_, err := allTags(repository(t, c, r.Host()+"/db/x"))
		if e := wantError[*ProtocolError](t, err); !strings.Contains(e.Problem, tc.problem) || e.Host != r.Host() {
			t.Errorf("%s: %v", name, err)
		}
		if len(r.Seen()) > 2 {
			t.Errorf("%s: %d requests", name, len(r.Seen()))
		}
	}
}

// A list that never ends, each page with a new link, does end.
func TestTagsWithoutEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("5,000 requests")
	}
	r := registrytest.New(t)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("Link", fmt.Sprintf(`</v2/db/x/tags/list?last=%d>; rel="next"`, n))
		fmt.Fprintf(w, `{"tags":["1.0.%d"]}`, n)
		return true
	})
	c, _ := newClient(t, Options{})
	_, err := allTags(repository(t, c, r.Host()+"/db/x"))
	if e := wantError[*LimitError](t, err); e.Limit != maxPages {
		t.Errorf("error: %#v", e)
	}
}

// One that brings nothing new ends before that, whatever its links say.
func TestTagsNothingNew(t *testing.T) {
	for name, tc := range map[string]struct {
		body     string
		requests int
	}{
		"the same page": {`{"tags":["1.0.0","1.1.0"]}`, 2},
		"empty pages":   {`{"tags":[]}`, maxEmpty + 1},
	} {
		r := registrytest.New(t)
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Link", fmt.Sprintf(`</v2/db/x/tags/list?page=%d>; rel="next"`, n))
			fmt.Fprint(w, tc.body)
			return true
		})
		c, _ := newClient(t, Options{})
		_, err := allTags(repository(t, c, r.Host()+"/db/x"))
		if e := wantError[*ProtocolError](t, err); !strings.Contains(e.Problem, "circles") || len(r.Seen()) != tc.requests {
			t.Errorf("%s: %v after %d requests", name, err, len(r.Seen()))
		}
	}
	// Pages of which another user's repositories were taken out are none.
	r := registrytest.New(t)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n < 10 {
			w.Header().Set("Link", fmt.Sprintf(`</v2/db/x/tags/list?page=%d>; rel="next"`, n))
			fmt.Fprint(w, `{"tags":[]}`)
			return true
		}
		fmt.Fprint(w, `{"tags":["1.0.0"]}`)
		return true
	})
	c, _ := newClient(t, Options{})
	if tags, err := allTags(repository(t, c, r.Host()+"/db/x")); err != nil || len(tags) != 1 {
		t.Errorf("%v %v", tags, err)
	}
}

func TestTagsNone(t *testing.T) {
	for _, body := range []string{`{"name":"db/x","tags":null}`, `{"name":"db/x","tags":[]}`, `{"name":"db/x"}`, `{"other":{"tags":["1"]},"tags":[]}`} {
		r := registrytest.New(t)
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool { fmt.Fprint(w, body); return true })
		c, _ := newClient(t, Options{})
		if tags, err := allTags(repository(t, c, r.Host()+"/db/x")); err != nil || len(tags) != 0 {
			t.Errorf("%s: %v %v", body, tags, err)
		}
	}
	r := registrytest.New(t)
	c, k := newClient(t, Options{})
	_, err := allTags(repository(t, c, r.Host()+"/db/x"))
	if e := wantError[*NotFoundError](t, err); e.Repository != r.Host()+"/db/x" || e.Reference != "" || !errors.Is(err, artifact.ErrNotFound) || len(k.slept) != 0 {
		t.Errorf("error: %#v", e)
	}
}

func TestTagsStop(t *testing.T) {
	r := registrytest.New(t)
	r.SetFault(tagList{tags: numbered(3000), link: func(repo, q string) string { return `<?` + q + `>; rel="next"` }}.answer)
	c, _ := newClient(t, Options{})
	enough := errors.New("enough")
	pages := 0
	err := repository(t, c, r.Host()+"/db/x").Tags(context.Background(), func([]string) error {
		pages++
		if pages == 2 {
			return enough
		}
		return nil
	})
	if err != enough || len(r.Seen()) != 2 {
		t.Errorf("%v after %d requests", err, len(r.Seen()))
	}
}

// A page that is cut is asked again, and nothing of it delivered twice.
func TestTagsCut(t *testing.T) {
	r := registrytest.New(t)
	l := tagList{tags: numbered(1500), link: func(repo, q string) string { return `<?` + q + `>; rel="next"` }}
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n == 2 {
			w.Header().Set("Content-Length", "100000")
			fmt.Fprint(w, `{"name":"db/x","tags":["0.001000.0","0.0010`)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		return l.answer(n, w, req)
	})
	c, k := newClient(t, Options{})
	tags, err := allTags(repository(t, c, r.Host()+"/db/x"))
	if err != nil || !slices.Equal(tags, l.tags) || len(k.slept) != 1 {
		t.Errorf("%d tags, %v, waits %v", len(tags), err, k.slept)
	}
}

func BenchmarkTags50000(b *testing.B) {
	r := registrytest.New(b)
	r.SetFault(tagList{tags: numbered(50_000), link: func(repo, q string) string { return `<?` + q + `>; rel="next"` }}.answer)
	b.ReportAllocs()
	var peak uint64
	for b.Loop() {
		c, _ := newClient(b, Options{})
		n := 0
		err := repository(b, c, r.Host()+"/db/x").Tags(context.Background(), func(page []string) error {
			n += len(page)
			return nil
		})
		if err != nil || n != 50_000 {
			b.Fatalf("%d tags, %v", n, err)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse)
	}
	b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
}
