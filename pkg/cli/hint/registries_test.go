package hint

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
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
		"cut, over plain HTTP": {&registry.UnreachableError{Host: host, Cause: registry.NetworkReset, Err: io.EOF}, 5, "leave --plain-http out"},
		"asks to wait a day":   {&registry.StatusError{Host: host, Method: "GET", Status: 429, RetryAfter: 24 * time.Hour}, 5, "try again in 24h, or log in"},
		"asks to wait, broken": {&registry.StatusError{Host: host, Method: "GET", Status: 503, RetryAfter: 6 * time.Minute}, 5, "try again in 6m"},
		"its token service":    {&registry.StatusError{Host: host, TokenHost: "auth.example", Method: "GET", Status: 404}, 5, "the token service that registry.example names"},
		"a proxy's login":      {&registry.UnreachableError{Host: host, Cause: registry.NetworkProxy, Err: io.EOF}, 5, "with a login as http://USER:PASSWORD@HOST:PORT"},
		"a teapot":             {&registry.StatusError{Host: host, Repository: host + "/x", Method: "GET", Status: 418}, 5, "with -v"},
		"no registry":          {&registry.StatusError{Host: host, Method: "GET", Status: 404}, 5, "no registry answers there"},
		"nonsense":             {&registry.ProtocolError{Host: host, Subject: host, Problem: "does not parse"}, 5, "no proxy or login page"},
		"too much":             {&registry.LimitError{Subject: host, What: "pages", Limit: 1}, 5, "tell its owner"},
		"missing":              {&registry.NotFoundError{Repository: host + "/plugin-mysql", Reference: "1"}, 4, "versions mysql"},
		"missing of a driver":  {&install.ItemError{Item: install.Item{Name: "cockroachdb", Plugin: "postgres"}, Err: &registry.NotFoundError{Repository: host + "/pg", Reference: "1"}}, 4, "versions postgres"},
		"a bad file":           {&registry.CredentialsError{File: "config.json", Problem: "does not read"}, 1, "login HOST"},
	} {
		c := Context{Name: "plugin", PlainHTTP: true, Config: &config.Config{}}
		if got := ExitCode(fault.Of(tc.err)); got != tc.code {
			t.Errorf("%s: exit code %d, want %d", name, got, tc.code)
		}
		if got := strings.Join(For(c, tc.err), "\n"); !strings.Contains(got, tc.hint) {
			t.Errorf("%s: hints %q, want %q", name, got, tc.hint)
		}
	}
}
