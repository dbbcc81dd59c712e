package registry

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func TestReferrers(t *testing.T) {
	subject := digest.FromString("subject")
	annotated := func(n, bytes int) string {
		var entries []string
		for i := range n {
			d := digest.FromString(fmt.Sprint("referrer", i))
			entries = append(entries, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":7,"annotations":{"a":%q}}`, ocispec.MediaTypeImageManifest, d, strings.Repeat("x", bytes)))
		}
		return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s],"annotations":{"b":"c"}}`, ocispec.MediaTypeImageIndex, strings.Join(entries, ","))
	}
	index := func(n int) string { return annotated(n, 1) }
	api := "/v2/db/x/referrers/" + subject.String()
	tag := "/v2/db/x/manifests/sha256-" + subject.Encoded()
	type answer struct {
		status            int
		contentType, body string
	}
	ok := func(body string) answer { return answer{200, ocispec.MediaTypeImageIndex, body} }
	for name, tc := range map[string]struct {
		answers map[string]answer
		want    int
		fails   bool
	}{
		"API":                   {map[string]answer{api: ok(index(2))}, 2, false},
		"API, none":             {map[string]answer{api: ok(index(0))}, 0, false},
		"tag":                   {map[string]answer{tag: ok(index(3))}, 3, false},
		"neither":               {nil, 0, false},
		"API answers HTML":      {map[string]answer{api: {200, "text/html", "<html>"}, tag: ok(index(1))}, 1, false},
		"API answers 405":       {map[string]answer{api: {405, "", ""}, tag: ok(index(1))}, 1, false},
		"API answers 401":       {map[string]answer{api: {401, "", ""}, tag: ok(index(1))}, 1, false},
		"API answers 403":       {map[string]answer{api: {403, "", ""}, tag: ok(index(1))}, 1, false},
		"API 403 and no tag":    {map[string]answer{api: {403, "", ""}}, 0, true},
		"both answer 403":       {map[string]answer{api: {403, "", ""}, tag: {403, "", ""}}, 0, true},
		"tag is the image":      {map[string]answer{tag: {200, ocispec.MediaTypeImageManifest, `{"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{},"layers":[]}`}}, 0, false},
		"API answers 500":       {map[string]answer{api: {500, "", ""}, tag: ok(index(1))}, 0, true},
		"API answers nonsense":  {map[string]answer{api: ok("[")}, 0, true},
		"tag is a broken index": {map[string]answer{tag: ok(`{"mediaType":"` + ocispec.MediaTypeImageIndex + `","manifests":7}`)}, 0, true},
		"API, null":             {map[string]answer{api: ok(`{"manifests":null}`)}, 0, false},
		"API, no list":          {map[string]answer{api: ok(`{"manifests":{}}`)}, 0, true},
		"API, cut":              {map[string]answer{api: ok(`{"manifests":[]`)}, 0, true},
		"too many":              {map[string]answer{api: ok(index(MaxReferrers + 1))}, MaxReferrers, true},
		"too many, long":        {map[string]answer{api: ok(annotated(10_000, 400))}, 0, true},
		"API lists no digest":   {map[string]answer{api: ok(`{"manifests":[{"digest":"sha256:../x"}]}`)}, 0, true},
		"too long":              {map[string]answer{api: ok(annotated(6, 1<<20))}, 0, true},
	} {
		r := registrytest.New(t)
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			a, ok := tc.answers[req.URL.Path]
			if !ok {
				http.NotFound(w, req)
				return true
			}
			w.Header().Set("Content-Type", a.contentType)
			w.WriteHeader(a.status)
			fmt.Fprint(w, a.body)
			return true
		})
		c, _ := newClient(t, Options{})
		list, err := repository(t, c, r.Host()+"/db/x").Referrers(context.Background(), subject)
		if len(list) != tc.want || (err != nil) != tc.fails {
			t.Errorf("%s: %d referrers, %v", name, len(list), err)
		}
		if strings.HasPrefix(name, "too ") {
			wantError[*LimitError](t, err)
		}
	}
}

// A mirror that has some referrers does not hide what the origin has.
func TestReferrersFrom(t *testing.T) {
	subject := digest.FromString("subject")
	var rigs []*registrytest.Registry
	for i := range 3 {
		r := registrytest.New(t)
		r.SetFault(func(_ int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
			if i == 1 {
				fmt.Fprint(w, `{"manifests":[]}`)
				return true
			}
			fmt.Fprintf(w, `{"manifests":[{"digest":%q}]}`, digest.FromString(fmt.Sprint(i)))
			return true
		})
		rigs = append(rigs, r)
	}
	c, _ := newClient(t, Options{Mirrors: []Mirror{{Prefix: rigs[2].Host(), Targets: []string{rigs[0].Host(), rigs[1].Host()}}}})
	repo := repository(t, c, rigs[2].Host()+"/db/x").(*remote)
	for _, step := range []struct{ from, list, next int }{{0, 1, 1}, {1, 1, 3}, {3, 0, 3}} {
		list, next, err := repo.ReferrersFrom(t.Context(), subject, step.from)
		if err != nil || len(list) != step.list || next != step.next {
			t.Errorf("from %d: %v, then %d, %v", step.from, list, next, err)
		}
	}
}

// What the first source says is taken, unless the origin has answered already: it
// may be out of reach.
func TestReferrersNear(t *testing.T) {
	subject := digest.FromString("subject")
	origin, mirror := registrytest.New(t), registrytest.New(t)
	for i, r := range []*registrytest.Registry{origin, mirror} {
		r.SetFault(func(_ int, w http.ResponseWriter, req *http.Request) bool {
			if strings.HasSuffix(req.URL.Path, "/tags/list") {
				fmt.Fprint(w, []string{`{"tags":["0.1.0"]}`, `{"tags":[]}`}[i])
				return true
			}
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
			fmt.Fprint(w, []string{`{"manifests":[{"digest":"` + subject.String() + `"}]}`, `{"manifests":[]}`}[i])
			return true
		})
	}
	c, _ := newClient(t, Options{Mirrors: []Mirror{{Prefix: origin.Host(), Targets: []string{mirror.Host()}}}})
	repo := repository(t, c, origin.Host()+"/db/x")
	for _, want := range []int{0, 1} {
		list, err := repo.ReferrersNear(t.Context(), subject)
		if err != nil || len(list) != want {
			t.Errorf("%d referrers, want %d: %v", len(list), want, err)
		}
		if err := repo.Tags(t.Context(), func([]string) error { return nil }); err != nil { // of the origin
			t.Fatal(err)
		}
	}
}
