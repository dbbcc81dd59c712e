package cli

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Each error of a registry leads on, and has its exit code.
func TestNetworkHints(t *testing.T) {
	const host = "registry.example"
	for name, tc := range map[string]struct {
		err  error
		code int
		hint string
	}{
		"cut, over plain HTTP": {&registry.UnreachableError{Host: host, Cause: registry.NetworkReset, Err: io.EOF}, exitUnreachable, "leave --plain-http out"},
		"asks to wait a day":   {&registry.StatusError{Host: host, Method: "GET", Status: 429, RetryAfter: 24 * time.Hour}, exitUnreachable, "try again in 24h, or log in"},
		"asks to wait, broken": {&registry.StatusError{Host: host, Method: "GET", Status: 503, RetryAfter: 6 * time.Minute}, exitUnreachable, "try again in 6m"},
		"its token service":    {&registry.StatusError{Host: host, TokenHost: "auth.example", Method: "GET", Status: 404}, exitUnreachable, "the token service that registry.example names"},
		"a teapot":             {&registry.StatusError{Host: host, Repository: host + "/x", Method: "GET", Status: 418}, exitUnreachable, "with -v"},
		"no registry":          {&registry.StatusError{Host: host, Method: "GET", Status: 404}, exitUnreachable, "no registry answers there"},
		"nonsense":             {&registry.ProtocolError{Host: host, Subject: host, Problem: "does not parse"}, exitUnreachable, "no proxy or login page"},
		"too much":             {&registry.LimitError{Subject: host, What: "pages", Limit: 1}, exitUnreachable, "tell its owner"},
		"missing":              {&registry.NotFoundError{Repository: host + "/plugin-mysql", Reference: "1"}, exitUnsatisfied, "versions mysql"},
		"a bad file":           {&registry.CredentialsError{File: "config.json", Problem: "does not read"}, exitFailure, "login HOST"},
	} {
		a := newApp(Program{Args: []string{"plugin"}, Env: func(string) (string, bool) { return "", false }})
		a.flags.plainHTTP, a.flags.home = true, t.TempDir()
		if got := exitCode(tc.err); got != tc.code {
			t.Errorf("%s: exit code %d, want %d", name, got, tc.code)
		}
		if got := strings.Join(a.hints(tc.err), "\n"); !strings.Contains(got, tc.hint) {
			t.Errorf("%s: hints %q, want %q", name, got, tc.hint)
		}
	}
}
