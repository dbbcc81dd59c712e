package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins"
)

// verifier is the façade's Verifier: pkg/trust, under the project's rules and
// those of this machine's config.
type verifier struct {
	trust   *trust.Verifier
	machine *policy.Policy
}

// newVerifier makes the verifier of this run. It reads nothing before a rule
// asks for it.
func (a *app) newVerifier() (*verifier, error) {
	c, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	return &verifier{
		machine: &c.Trust,
		trust: trust.New(trust.Options{
			Dir: a.home().Trust(), Offline: a.flags.offline, Now: a.Now, HTTP: &http.Client{Transport: &rootTransport{caFile: a.flags.caFile, abs: a.abs}},
			Unsigned: a.accepted.add,
		}),
	}, nil
}

// rootTransport is how the public good instance's root is fetched: by the
// environment's proxies, trusting the authorities in --ca-file too. It is made
// when it is needed.
type rootTransport struct {
	caFile string
	abs    func(string) string
	once   sync.Once
	inner  http.RoundTripper
	err    error
}

// RoundTrip implements http.RoundTripper.
func (t *rootTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.once.Do(func() {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if t.caFile != "" {
			var data []byte
			data, t.err = os.ReadFile(t.abs(t.caFile))
			pool.AppendCertsFromPEM(data)
		}
		t.inner = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	})
	if t.err != nil {
		return nil, t.err
	}
	return t.inner.RoundTrip(req)
}

// Verify implements plugins.Verifier.
func (v *verifier) Verify(ctx context.Context, q plugins.Verification) (*lockfile.Signature, error) {
	if len(v.machine.Rules) == 0 && (q.Manifest == nil || len(q.Manifest.Trust.Rules) == 0) {
		return nil, nil // as most are: a sync of many drivers with nothing to do does nothing
	}
	r := v.request(q)
	r.CheckLinks, r.Again = q.CheckChain, q.Again
	signer, err := v.trust.Verify(ctx, r)
	if isRefusal(err) {
		return nil, &plugins.RefusedError{Name: q.Entry.Name, Err: err}
	}
	if err != nil || signer.IsZero() {
		return nil, err
	}
	return signature(signer), nil
}

func signature(s trust.Signer) *lockfile.Signature {
	return &lockfile.Signature{Issuer: s.Issuer, Identity: s.Identity, Key: s.Key}
}

func isRefusal(err error) bool {
	return errors.As(err, new(*trust.RefusedError)) || errors.As(err, new(*trust.ScopeError))
}

// request says what of an entry must be signed, and what it leads to.
func (v *verifier) request(q plugins.Verification) trust.Request {
	r := trust.Request{Source: q.Repository, Machine: v.machine}
	if q.Manifest != nil {
		r.Project = &q.Manifest.Trust
	}
	if s := q.Entry.Signature; s != nil {
		r.Locked = trust.Signer{Issuer: s.Issuer, Identity: s.Identity, Key: s.Key}
	}
	if q.Before != nil {
		r.Prefers = func(s trust.Signer) bool { return q.Before.SameSigner(signature(s)) }
		r.AnyWillDo = q.Rotates
	}
	r.Roots = signedRoots(q.Entry)
	for _, p := range q.Entry.Platforms {
		if slices.Contains(q.Platforms, p.Platform) {
			r.Links = append(r.Links, fmt.Sprint(q.Entry.Name, signedRoot(q.Entry, p), p.Platform, p.Manifest, p.Layer, p.Size, p.Executable))
		}
	}
	return r
}
