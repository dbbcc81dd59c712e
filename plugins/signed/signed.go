// Package signed is the Verifier for package plugins: it verifies, with
// sigstore, what the `[[trust]]` rules of a project and of this machine ask for.
// It is a package of its own because it links sigstore, three times as much as
// the rest; a program whose users have no trust rules does without.
package signed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins"
)

// DefaultOptions is plugins.DefaultOptions with a Verifier. The public good
// instance's root is kept in HOME/trust, and fetched by the environment's
// proxies. Errors: those of plugins.DefaultOptions.
func DefaultOptions() (plugins.Options, error) {
	o, err := plugins.DefaultOptions()
	if err != nil {
		return o, err
	}
	c, err := config.LoadBoth(o.SystemConfig, filepath.Join(o.Home, "config.toml"))
	if err != nil {
		return o, err
	}
	asked := registry.Options{Proxy: http.ProxyFromEnvironment, Hosts: make(map[string]registry.Host, len(c.Registries))}
	for host, r := range c.Registries {
		asked.Hosts[host] = registry.Host(r)
	}
	client, err := registry.New(asked)
	if err != nil {
		return o, err
	}
	o.Verifier = New(trust.New(trust.Options{Dir: filepath.Join(o.Home, "trust"), Offline: o.Offline, HTTP: client.HTTP()}), c.Trust)
	return o, nil
}

// Verifier verifies under the project's rules and those of a machine.
type Verifier struct {
	trust   *trust.Verifier
	machine []*policy.Policy
}

// New returns a Verifier under the rules of a machine, all of which must be
// satisfied.
func New(t *trust.Verifier, machine []*policy.Policy) *Verifier {
	return &Verifier{trust: t, machine: machine}
}

// VerifiesSignatures implements plugins.Verifier.
func (v *Verifier) VerifiesSignatures() {}

// Verify implements project.Verifier.
func (v *Verifier) Verify(ctx context.Context, q project.Verification) (*lockfile.Signature, error) {
	if len(v.machine) == 0 && (q.Manifest == nil || len(q.Manifest.Trust.Rules) == 0) {
		return nil, nil // as most are: a sync of many drivers with nothing to do does nothing
	}
	r := v.request(q)
	r.CheckLinks, r.Again = q.CheckChain, q.Again
	signer, err := v.trust.Verify(ctx, r)
	if refusal(err) {
		return nil, refused(q.Entry.Name, err)
	}
	if err != nil || signer.IsZero() {
		return nil, err
	}
	return &signer, nil
}

// Remembers reports whether an entry was verified in this home before, under the
// project's rules and under each of the machine's. It asks no network. Errors:
// *project.RefusedError where a file with rules has none for the repository.
func (v *Verifier) Remembers(q project.Verification) (project bool, machine []bool, err error) {
	project, machine, err = v.trust.Remembers(v.request(q))
	if refusal(err) {
		err = refused(q.Entry.Name, err)
	}
	return project, machine, err
}

func refused(name string, err error) error { return &project.RefusedError{Name: name, Err: err} }

func refusal(err error) bool {
	return errors.As(err, new(*trust.RefusedError)) || errors.As(err, new(*trust.ScopeError))
}

// request says what of an entry must be signed, and what it leads to.
func (v *Verifier) request(q project.Verification) trust.Request {
	r := trust.Request{Source: q.Repository, Machine: v.machine}
	if q.Manifest != nil {
		r.Project = &q.Manifest.Trust
	}
	if s := q.Entry.Signature; s != nil {
		r.Locked = *s
	}
	if q.Before != nil {
		r.Prefers = func(s trust.Signer) bool { return q.Before.SameSigner(&s) }
		r.AnyWillDo = q.Rotates
	}
	r.Roots = q.Entry.Roots()
	for _, p := range q.Entry.Platforms {
		if slices.Contains(q.Platforms, p.Platform) {
			r.Links = append(r.Links, fmt.Sprint(q.Entry.Name, " ", q.Entry.Version, q.Entry.Root(p), p.Platform, p.Manifest, p.Layer, p.Size, p.Executable))
		}
	}
	return r
}
