package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins/signed"
)

// newVerifier makes the verifier of this run. It reads nothing before a rule
// asks for it.
func (a *app) newVerifier() (*signed.Verifier, error) {
	t, c, err := a.newTrust()
	if err != nil {
		return nil, err
	}
	return signed.New(t, &c.Trust), nil
}

func (a *app) newTrust() (*trust.Verifier, *config.Config, error) {
	c, err := a.loadConfig()
	if err != nil {
		return nil, nil, err
	}
	return trust.New(trust.Options{
		Dir: a.home().Trust(), Offline: a.flags.offline, Now: a.Now, HTTP: &http.Client{Transport: &rootTransport{caFile: a.flags.caFile, abs: a.abs}},
		Unsigned: a.accepted.add,
	}), c, nil
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

func isRefusal(err error) bool {
	return errors.As(err, new(*plugins.RefusedError)) || errors.As(err, new(*trust.RefusedError)) || errors.As(err, new(*trust.ScopeError))
}
