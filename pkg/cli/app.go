package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// app is one run of the program: its invocation, its flags, and what is built
// from them when a command first asks for it. A command that needs no registry
// therefore never pays for one.
type app struct {
	Program
	ui       *ui.UI
	flags    globals
	ran      bool // flags and arguments were accepted
	client   *registry.Client
	source   *carried // what --from names; nil without it
	carrying bool     // whole graphs are followed: most of what may refer to something is nowhere
	config   *config.Config
	untimed  context.Context // without --timeout, for what comes after this program's own work
	cancel   context.CancelFunc
	accepted accepted // by trust rules, with no signature
}

// prepare runs before every command: it applies the global flags.
func (a *app) prepare(cmd *cobra.Command) error {
	if err := ui.CheckOutput(a.ui.Output); err != nil {
		return asUsage(err)
	}
	if a.ui.Output == "markdown" && cmd.Name() != "lock" && cmd.Name() != "update" {
		return usagef("--output markdown: only lock and update print it")
	}
	if err := checkPaths(cmd); err != nil {
		return err
	}
	if a.flags.timeout < 0 {
		return usagef("--timeout %s: is negative", a.flags.timeout)
	}
	if err := cmd.ValidateFlagGroups(); err != nil {
		return err
	}
	a.ran = true
	if a.DirError != nil && !filepath.IsAbs(a.flags.directory) {
		return fmt.Errorf("working directory: %w", a.DirError)
	}
	if a.flags.directory != "" {
		a.Directory = a.abs(a.flags.directory)
		a.ui.Dir = a.Directory
		if info, err := os.Stat(a.Directory); err != nil || !info.IsDir() {
			return usagef("--directory %s: is no folder", a.flags.directory)
		}
	}
	if config.IsSet(a.env("SCHEMAHERO_PLUGIN_OFFLINE")) {
		a.flags.offline = true
	}
	a.untimed = cmd.Context()
	if a.flags.timeout > 0 {
		ctx, cancel := context.WithTimeout(cmd.Context(), a.flags.timeout)
		a.cancel = cancel
		cmd.SetContext(ctx)
	}
	return nil
}

func (a *app) close() {
	if a.source != nil {
		a.source.Close()
	}
	if a.cancel != nil {
		a.cancel()
	}
}

// finish prints what --stats asks for and turns the error into an exit code.
func (a *app) finish(err error) int {
	if a.flags.stats && a.ran {
		a.printStats()
	}
	return exitCode(err)
}

// abs makes a path that the user typed absolute, as seen from -C.
func (a *app) abs(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(a.Directory, path)
}

func (a *app) env(key string) string {
	v, _ := a.Env(key)
	return v
}

// userHome is the user's home folder, "" where the environment names none.
func (a *app) userHome() string {
	if runtime.GOOS == "windows" {
		return a.env("USERPROFILE")
	}
	return a.env("HOME")
}

// home is the folder that holds drivers, store and receipts. Whoever needs one
// finds out that there is none.
func (a *app) home() install.Home {
	dir := a.flags.home
	if dir == "" {
		dir = a.env("SCHEMAHERO_PLUGIN_HOME")
	}
	if dir != "" {
		return install.NewHome(a.abs(dir))
	}
	user := a.userHome()
	if user == "" {
		return install.Home{}
	}
	return install.NewHome(a.abs(filepath.Join(user, ".schemahero")))
}

// loadConfig reads HOME/config.toml once.
func (a *app) loadConfig() (*config.Config, error) {
	if a.config == nil {
		c, err := config.Load(a.home().Config())
		if err != nil {
			// In a folder that cannot even be looked at there is no home.
			if _, e := os.Stat(a.home().Dir()); e == nil {
				return nil, err
			}
			c = &config.Config{}
		}
		a.config = c
	}
	return a.config, nil
}

// registry is the one client of this run.
func (a *app) registry() (*registry.Client, error) {
	if a.client != nil {
		return a.client, nil
	}
	o, err := a.registryOptions()
	if err != nil {
		return nil, err
	}
	a.client, err = registry.New(o)
	return a.client, err
}

// repository opens a repository by its name, in the bundle that --from names or
// else in its registry.
func (a *app) repository(name string) (registry.Repository, error) {
	if a.source != nil {
		return a.source.Repository(name), nil
	}
	c, err := a.registry()
	if err != nil {
		return nil, err
	}
	return c.Repository(name)
}

// options is what the façade needs to know of this run.
func (a *app) options() (plugins.Options, error) {
	client, err := a.registry()
	if err != nil {
		return plugins.Options{}, err
	}
	override := a.env("SCHEMAHERO_PLUGIN_REGISTRY")
	if err := manifest.CheckRepository(override + "-x"); override != "" && err != nil {
		return plugins.Options{}, usagef("SCHEMAHERO_PLUGIN_REGISTRY %q: write HOST/PATH, to which -NAME is added", override)
	}
	verifier, err := a.newVerifier()
	if err != nil {
		return plugins.Options{}, err
	}
	o := plugins.Options{
		Home:     a.home().Dir(),
		Platform: artifact.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH},
		Registry: client,
		Verifier: verifier,
		Override: override,
		Offline:  a.flags.offline,
		Now:      a.Now,
		Progress: a.ui.Installing(a.servedFrom),
		Probe:    start,
	}
	if a.source != nil {
		o.Fetch, o.Source = a.source, a.repository
	}
	return o, nil
}

// start is the probe of a driver that is about to be placed.
func start(ctx context.Context, _ install.Item, path string) error {
	_, err := probe.Identify(ctx, path)
	return err
}

// checkPaths refuses flags that name a place or an age and are empty, as an
// unset variable of a script leaves them: the default would be another place,
// or no bound at all.
func checkPaths(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "dir", "platform", "home", "file", "directory", "from", "registry", "ca-file", "key", "older-than":
			if v := f.Value.String(); v == "" || v == "[]" {
				err = usagef("--%s: is empty", f.Name)
			}
		}
	})
	return err
}
