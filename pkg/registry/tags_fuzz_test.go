package registry

import (
	"context"
	"encoding/json"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func FuzzNextLink(f *testing.F) {
	f.Add(`</v2/db/x/tags/list?n=1&last=b>; rel="next"`)
	f.Add(`</x>; rel="prev", <?last=b>;title="a;b, <c>"; rel=next`)
	f.Add(`<https://h/v2/db/x/tags/list?n=1>;rel="last next"`)
	f.Fuzz(func(t *testing.T, header string) {
		target := nextLink([]string{header})
		if target != "" && !strings.Contains(header, "<"+target+">") {
			t.Errorf("%q is no target of %q", target, header)
		}
		if query, ok := nextQuery("/v2/db/x/tags/list", "tags/list", target); ok {
			u := url.URL{Scheme: "https", Host: "h", Path: "/v2/db/x/tags/list", RawQuery: query}
			back, err := url.Parse(u.String())
			if err == nil && (back.Host != "h" || back.Path != u.Path) {
				t.Errorf("%q leads to %s", header, back)
			}
		}
	})
}

func FuzzDecodeList(f *testing.F) {
	f.Add(`{"name":"a","tags":["1","2"]}`)
	f.Add(`{"tags":null,"x":{"tags":[1]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := decodeList(strings.NewReader(text), "tags")
		var want struct {
			Tags []string `json:"tags"`
		}
		// encoding/json is laxer: case, elements that are null, what follows.
		exact := strings.Count(text, `"tags"`) == 1 && strings.Count(strings.ToLower(text), "tags") == 1
		if err == nil && json.Unmarshal([]byte(text), &want) == nil && exact && !slices.Equal(got, want.Tags) {
			t.Errorf("%s: %q, want %q", text, got, want.Tags)
		}
	})
}

func BenchmarkTags50000(b *testing.B) {
	r := newRig(b)
	r.setFault(listing{tags: numbered(50_000), link: func(repo, q string) string { return `<?` + q + `>; rel="next"` }}.answer)
	b.ReportAllocs()
	var peak uint64
	for b.Loop() {
		c, _ := newClient(b, Options{})
		n := 0
		err := repository(b, c, r.host()+"/db/x").Tags(context.Background(), func(page []string) error {
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
