package wire

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestNextLinkWithoutBrackets(t *testing.T) {
	for header, want := range map[string]string{
		`/v2/db/x/tags/list?n=1&last=b; rel="next"`: "/v2/db/x/tags/list?n=1&last=b",
		`/v2/db/x/tags/list?last=b ;rel=next`:       "/v2/db/x/tags/list?last=b",
		`/v2/db/x/tags/list?last=b; rel="prev"`:     "",
		`/v2/db/x/tags/list?last=b`:                 "",
		`;`:                                         "",
	} {
		if got := NextLink([]string{header}); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

func FuzzNextLink(f *testing.F) {
	f.Add(`</v2/db/x/tags/list?n=1&last=b>; rel="next"`)
	f.Add(`</x>; rel="prev", <?last=b>;title="a;b, <c>"; rel=next`)
	f.Add(`<https://h/v2/db/x/tags/list?n=1>;rel="last next"`)
	f.Fuzz(func(t *testing.T, header string) {
		target := NextLink([]string{header})
		if target != "" && !strings.Contains(header, target) {
			t.Errorf("%q is not a target of %q", target, header)
		}
		if query, ok := NextQuery("/v2/db/x/tags/list", "tags/list", target); ok {
			u := url.URL{Scheme: "https", Host: "h", Path: "/v2/db/x/tags/list", RawQuery: query}
			back, err := url.Parse(u.String())
			if err == nil && (back.Host != "h" || back.Path != u.Path) {
				t.Errorf("%q leads to %s", header, back)
			}
		}
	})
}

// What a registry says beside its content is bounded, and never more than it
// says.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"errors":[{"code":"DENIED","message":"no"}]}`), "76;w=21600", "Fri, 27 Nov 2026 10:00:00 GMT")
	f.Add([]byte(`{"details":"incorrect username or password"}`), "x;w=", "30")
	f.Add([]byte("<Error><Code>AccessDenied</Code></Error>"), "-1", "99999999999")
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte, limit, after string) {
		codes := ReadCodes(bytes.NewReader(body))
		for _, c := range codes {
			if len(c.Code)+len(c.Message)+len(c.Detail) > 3*(maxErrorMessage+len("…")) {
				t.Errorf("%+v is long", c)
			}
		}
		if len(codes) > maxErrorCodes {
			t.Errorf("%d codes", len(codes))
		}
		h := http.Header{"Ratelimit-Remaining": {limit}, "Retry-After": {after}}
		if q, ok := quota(h); ok && q.Remaining < 0 {
			t.Errorf("%q leaves %d", limit, q.Remaining)
		}
		if d := retryAfter(h, now); d < 0 {
			t.Errorf("%q is %v", after, d)
		}
	})
}
