package plugins

import (
	"cmp"
	"net/http"
	"os"
	"path/filepath"
	"runtime"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Options are what the package needs to know of its surroundings. DefaultOptions
// fills them in.
type Options struct {
	Home         string            // folder of drivers, store, receipts and config.toml; a relative path is made absolute
	SystemConfig string            // file above the home's config.toml; "" for the administrator's, in /etc/schemahero
	Platform     artifact.Platform // of the drivers; zero for this program's own
	Registry     string            // VALUE: a driver is at VALUE-NAME if the manifest names no registry; "" for the built-in places
	Offline      bool              // never use the network
	Verifier     Verifier          // nil: what a trust rule asks a signature of is refused
	Progress     func(Event)       // nil: silence. Calls of one Project or Download never overlap

	environment registry.Options // what the environment says of the way to registries
	ci          bool             // and whether this is a CI job, in which nothing is overridden
}

// Verifier verifies signatures. Package plugins/signed has the one that there
// is.
type Verifier interface{ VerifiesSignatures() }

// Event is progress: of a layer that is fetched or, where Path is set, of a
// driver that was installed.
type Event struct {
	Driver   string
	Platform artifact.Platform
	Done     int64  // bytes of the layer that have arrived
	Total    int64  // bytes of the layer
	Path     string // of the installed file, absolute
}

// DefaultOptions returns the options of this user on this machine: the home in
// SCHEMAHERO_PLUGIN_HOME or ~/.schemahero, the credentials of docker and podman,
// the proxies of the environment, the registry that SCHEMAHERO_PLUGIN_REGISTRY
// names, SCHEMAHERO_PLUGIN_OFFLINE, CI. The machine's own settings, mirrors,
// certificates and trust rules, are in /etc/schemahero/plugins.toml and the home's
// config.toml, and count wherever the options are used. It is the one function here that reads the environment.
// Errors: no home folder; one of the two files that does not parse, or the former if
// it cannot be read.
func DefaultOptions() (Options, error) {
	user, err := os.UserHomeDir()
	home := os.Getenv("SCHEMAHERO_PLUGIN_HOME")
	if home == "" {
		if err != nil {
			return Options{}, err
		}
		home = filepath.Join(user, ".schemahero")
	}
	if home, err = filepath.Abs(home); err != nil {
		return Options{}, err
	}
	system := config.SystemFile()
	if _, err := config.LoadBoth(system, install.NewHome(home).Config()); err != nil {
		return Options{}, err
	}
	return Options{
		Home:         home,
		SystemConfig: system,
		Platform:     artifact.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH},
		Registry:     os.Getenv("SCHEMAHERO_PLUGIN_REGISTRY"),
		Offline:      config.IsSet(os.Getenv("SCHEMAHERO_PLUGIN_OFFLINE")),
		ci:           config.IsSet(os.Getenv("CI")),
		environment: registry.Options{
			Credentials: registry.Conventional(os.Getenv, user, os.Getuid()),
			Proxy:       http.ProxyFromEnvironment,
		},
	}, nil
}

// optionsError is a call that cannot be carried out as it was made.
type optionsError struct{ text string }

func (e *optionsError) Error() string    { return e.text }
func (e *optionsError) Kind() fault.Kind { return fault.Usage }

// project returns the options that package project works with. The registry
// client is made here, so that the calls of one Project share its connections.
func (o Options) project() (project.Options, error) {
	var none project.Options
	if o.Home == "" {
		return none, &optionsError{"options: Home is empty"}
	}
	dir, err := filepath.Abs(o.Home)
	if err != nil {
		return none, err
	}
	home := install.NewHome(dir)
	machine, err := config.LoadBoth(cmp.Or(o.SystemConfig, config.SystemFile()), home.Config())
	if err != nil {
		return none, err
	}
	var verifier project.Verifier
	if o.Verifier != nil {
		v, ok := o.Verifier.(project.Verifier)
		if !ok {
			return none, &optionsError{"options: Verifier is not one of package plugins/signed"}
		}
		verifier = v
	}
	asked := o.environment
	asked.CacheDir, asked.Offline = filepath.Join(home.Cache(), "manifests"), o.Offline
	asked.Hosts = make(map[string]registry.Host, len(machine.Registries))
	for _, m := range machine.Mirrors {
		asked.Mirrors = append(asked.Mirrors, registry.Mirror(m))
	}
	for host, r := range machine.Registries {
		asked.Hosts[host] = registry.Host(r)
	}
	layouts := &ocilayout.Opener{}
	asked.Layouts = func(ref string) (registry.Repository, error) { return layouts.Repository(ref) }
	client, err := registry.New(asked)
	if err != nil {
		return none, err
	}
	e := project.Options{
		Home: dir, Platform: o.Platform, Registry: client, Override: o.Registry, Offline: o.Offline,
		Machine: machine.Trust, Verifier: verifier, Progress: o.progress, Link: machine.Links(),
		Overrides: machine.Overrides, CI: o.ci,
	}
	if e.Platform.IsZero() {
		e.Platform = artifact.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	}
	return e, nil
}

func (o Options) progress(e install.Event) {
	if o.Progress == nil {
		return
	}
	switch e.Kind {
	case install.EventFetch:
		o.Progress(Event{Driver: e.Layer.Plugin, Platform: e.Layer.Platform, Done: e.Done, Total: e.Total})
	case install.EventPlaced:
		o.Progress(Event{Driver: e.Item.Plugin, Platform: e.Item.Layer.Platform, Path: e.Path})
	}
}
