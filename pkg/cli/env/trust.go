package env

import (
	"errors"
	"net/http"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins/signed"
)

// Verifier is what holds drivers against the rules of manifest and config. It reads
// nothing before a rule asks for it.
func (e *Env) Verifier() (*signed.Verifier, error) {
	t, c, err := e.Trust()
	if err != nil {
		return nil, err
	}
	return signed.New(t, c.Trust), nil
}

// Trust is what the Verifier works with: signatures, and this machine's rules.
func (e *Env) Trust() (*trust.Verifier, *config.Config, error) {
	c, err := e.Config()
	if err != nil {
		return nil, nil, err
	}
	return trust.New(trust.Options{
		Dir: e.Home().Trust(), Offline: e.Flags.Offline, Now: e.Now, HTTP: &http.Client{Transport: overClient{e}},
		Unsigned: e.accepted.add,
	}), c, nil
}

// overClient fetches sigstore's root as the registries are asked, with one set of
// proxies, certificates and timeouts. The client is made when it is needed.
type overClient struct{ e *Env }

// RoundTrip implements http.RoundTripper.
func (t overClient) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := t.e.Client()
	if err != nil {
		return nil, err
	}
	return c.HTTP().Transport.RoundTrip(req)
}

// IsRefusal reports whether an error is a trust rule's no.
func IsRefusal(err error) bool {
	return errors.As(err, new(*project.RefusedError)) || errors.As(err, new(*trust.RefusedError)) || errors.As(err, new(*trust.ScopeError))
}

// accepted are the repositories whose releases a trust rule accepts with no
// signature, as far as this run asked. It is safe for use by several goroutines.
type accepted struct {
	mu    sync.Mutex
	rules map[string]policy.Rule
}

func (c *accepted) add(repository string, rule policy.Rule) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rules == nil {
		c.rules = map[string]policy.Rule{}
	}
	c.rules[repository] = rule
}

// take returns the rule for a repository, once: it is told once.
func (c *accepted) take(repository string) (policy.Rule, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rule, ok := c.rules[repository]
	delete(c.rules, repository)
	return rule, ok
}

// Accepted returns which drivers were locked or installed with no signature,
// because a rule says unsigned = true: each once in a run.
func (e *Env) Accepted(lock *lockfile.Lock, changes []lockfile.Change, items []project.Synced) []ui.Accepted {
	var names []string
	for _, c := range changes {
		names = append(names, c.Name)
	}
	for _, it := range items {
		if it.Action != install.Kept && it.Action != "" {
			names = append(names, it.Plugin)
		}
	}
	var out []ui.Accepted
	for _, name := range names {
		entry, ok := lock.Plugin(name)
		if !ok {
			continue
		}
		if rule, ok := e.accepted.take(entry.Repository); ok {
			out = append(out, ui.Accepted{Repository: entry.Repository, Rule: rule})
		}
	}
	return out
}
