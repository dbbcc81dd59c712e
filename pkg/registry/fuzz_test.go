package registry

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
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

func FuzzChallenges(f *testing.F) {
	f.Add(`Bearer realm="https://auth.docker.io/token",service="registry.docker.io"`)
	f.Add(`Negotiate YIIabc==, Basic realm="a \"b\" c", charset="UTF-8"`)
	f.Fuzz(func(t *testing.T, header string) {
		for _, ch := range parseChallenges(header) {
			if ch.scheme == "" || ch.scheme != strings.ToLower(ch.scheme) {
				t.Errorf("scheme %q", ch.scheme)
			}
			if len(ch.realm)+len(ch.service) > len(header) {
				t.Errorf("%+v is more than %q", ch, header)
			}
		}
	})
}

func FuzzOpenTar(f *testing.F) {
	good, _ := bundled()
	f.Add(good.tar(f))
	f.Add(files{"a": []byte("x")}.tar(f))
	file := filepath.Join(f.TempDir(), "bundle.tar")
	f.Fuzz(func(t *testing.T, data []byte) {
		write(t, file, data)
		b, err := openTar(file)
		if err != nil {
			return
		}
		defer b.Close()
		if len(data) < 1024 || !bytes.Equal(data[len(data)-1024:], make([]byte, 1024)) {
			t.Error("a tar without its end is taken")
		}
		for name, part := range b.parts {
			if part.offset < 0 || part.size < 0 || part.offset+part.size > int64(len(data)) {
				t.Errorf("%s is at %+v of %d bytes", name, part, len(data))
			}
		}
	})
}

// Whatever a credentials file holds, what is found in it is stored under a key
// of that host, and no error quotes a secret.
func FuzzCredentials(f *testing.F) {
	const repo = "team/private/x"
	for _, s := range []string{
		`{"auths":{"registry.internal":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("me:secret")) + `"}}}`,
		`{"auths":{"registry.internal/team":{"username":"me","password":"secret"},"https://registry.internal/v1/":{"identitytoken":"secret"}}}`,
		`{"auths":{"registry.internal":{"auth":"secret"}},"credHelpers":{"registry.internal":"x"},"credsStore":"y"}`,
		" \n", "null", `{"auths":[]}`,
	} {
		f.Add([]byte(s), "registry.internal")
	}
	f.Fuzz(func(t *testing.T, data []byte, host string) {
		file, err := parseCredentials("auth.json", data)
		if err != nil {
			if got := err.Error(); got != "auth.json: is no valid JSON of credentials" {
				t.Errorf("an error that says more: %s", got)
			}
			return
		}
		for _, h := range file.helpersFor(host) {
			if !strings.HasPrefix(h.program, "docker-credential-") || !slices.Contains(hostKeys(host), h.server) {
				t.Errorf("%+v is asked for %q", h, host)
			}
		}
		file.Store, file.Helpers = "", nil // they would be run
		c, err := new(keyring).from(t.Context(), file, host, repo)
		if err != nil && strings.Contains(err.Error(), "secret") && !strings.Contains(host, "secret") {
			t.Errorf("a secret in: %v", err)
		}
		if c.empty() || err != nil {
			return
		}
		if key := c.key; !slices.Contains(slices.Concat(scopedKeys(host, repo), hostKeys(host)), key) && legacyHost(key) != host {
			t.Errorf("%q is asked for, and the key of %q is used", host, key)
		}
	})
}

// What a registry says beside its content is bounded, and never more than it
// says.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"errors":[{"code":"DENIED","message":"no"}]}`), "76;w=21600", "Fri, 27 Nov 2026 10:00:00 GMT", "bytes 5-9/10")
	f.Add([]byte(`{"details":"incorrect username or password"}`), "x;w=", "30", "bytes 5-9/*")
	f.Add([]byte("h."+base64.RawURLEncoding.EncodeToString([]byte(`{"access":[{"type":"repository","name":"a/b","actions":["pull"]}]}`))+".s"), "-1", "99999999999", "bytes 5-9")
	fits := regexp.MustCompile(`^bytes \+?0*5-\+?0*9/(\*|10)$`)
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte, limit, after, span string) {
		codes := readCodes(bytes.NewReader(body))
		for _, c := range codes {
			if len(c.Code)+len(c.Message) > 2*(maxErrorMessage+len("…")) {
				t.Errorf("%+v is long", c)
			}
		}
		if len(codes) > maxErrorCodes {
			t.Errorf("%d codes", len(codes))
		}
		for _, scope := range granted(string(body)) {
			if !strings.Contains(scope, ":") {
				t.Errorf("%q is granted", scope)
			}
		}
		h := http.Header{"Ratelimit-Remaining": {limit}, "Retry-After": {after}}
		if q, ok := quota(h); ok && q.Remaining < 0 {
			t.Errorf("%q leaves %d", limit, q.Remaining)
		}
		if d := retryAfter(h, now); d < 0 {
			t.Errorf("%q is %v", after, d)
		}
		if rangeFits(span, 5, 10) && !fits.MatchString(span) {
			t.Errorf("%q fits", span)
		}
	})
}
