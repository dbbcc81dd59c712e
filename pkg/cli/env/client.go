package env

import (
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Client is the one client of registries of this run.
func (e *Env) Client() (*registry.Client, error) {
	return e.ClientWith(nil)
}

// ClientWith is Client for a command that knows which mirrors not to read from: where
// it comes first, keep decides on the mirrors of the client.
func (e *Env) ClientWith(keep func([]registry.Mirror) []registry.Mirror) (*registry.Client, error) {
	if e.client != nil {
		return e.client, nil
	}
	o, err := e.registryOptions()
	if err != nil {
		return nil, err
	}
	if keep != nil {
		o.Mirrors = keep(o.Mirrors)
	}
	e.client, err = registry.New(o)
	return e.client, err
}

// Repository opens a repository by its name, in the bundle that --from names or
// else in its registry.
func (e *Env) Repository(name string) (registry.Repository, error) {
	if e.source != nil {
		return e.source.Repository(name), nil
	}
	c, err := e.Client()
	if err != nil {
		return nil, err
	}
	return c.Repository(name)
}

// Writable opens a repository to write to.
func (e *Env) Writable(name string) (registry.Target, error) {
	c, err := e.Client()
	if err != nil {
		return nil, err
	}
	return c.Target(name)
}

// Stats are what the run has asked of registries.
func (e *Env) Stats() registry.Stats {
	if e.client == nil {
		return registry.Stats{}
	}
	return e.client.Stats()
}

// layouts opens the layouts that repositories oci-layout:DIR/NAME are in.
func (e *Env) layouts() func(string) (registry.Repository, error) {
	o := &ocilayout.Opener{BaseDir: e.ProjectDir()}
	return func(ref string) (registry.Repository, error) { return o.Repository(ref) }
}

func (e *Env) registryOptions() (registry.Options, error) {
	c, err := e.Config()
	if err != nil {
		return registry.Options{}, err
	}
	o := registry.Options{
		CacheDir:    e.Home().Manifests(),
		Layouts:     e.layouts(),
		Credentials: registry.Conventional(e.Getenv, e.UserHome(), os.Getuid()),
		PlainHTTP:   e.Flags.PlainHTTP,
		Offline:     e.Flags.Offline,
		Proxy:       http.ProxyFromEnvironment,
		Hosts:       map[string]registry.Host{},
		Events:      e.Events.Registry,
		UserAgent:   e.userAgent(),
	}
	if e.Flags.CAFile != "" {
		o.CAFile = e.Abs(e.Flags.CAFile)
	}
	for _, m := range c.Mirrors {
		o.Mirrors = append(o.Mirrors, registry.Mirror(m))
	}
	for host, r := range c.Registries {
		o.Hosts[host] = registry.Host{CAFile: r.CAFile, ClientCert: r.ClientCert, ClientKey: r.ClientKey, PlainHTTP: r.PlainHTTP}
	}
	return o, nil
}

// userAgent is how servers see this program.
func (e *Env) userAgent() string { return "kubectl-schemahero-plugin/" + e.Version }

// ServedFrom is where a repository's layers come from: itself, or what --from
// names. It is "" if a mirror may be asked first.
func (e *Env) ServedFrom(repository string) string {
	if e.source != nil {
		return e.source.Path
	}
	if c, err := e.Config(); err != nil || slices.ContainsFunc(c.Mirrors, func(m config.Mirror) bool {
		return repository == m.Prefix || strings.HasPrefix(repository, m.Prefix+"/")
	}) {
		return ""
	}
	return repository
}
