// Package env is what one run of the program works with: its flags, home, config,
// registries and project, each made when a command first asks for it. It prints
// nothing.
package env

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/kube"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/link"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// Process is what the program was started with, but for its streams.
type Process struct {
	Args         []string // with the program's own name first
	Version      string
	Revision     string            // commit that it was built from; "" if it is not known
	Directory    string            // working directory, absolute; that of -C once flags are applied
	DirError     error             // why there is none
	Platform     artifact.Platform // the machine's
	SystemConfig string            // config above the home's; absolute
	Lookup       func(key string) (string, bool)
	Environ      func() []string
	Exec         func(path string, args, env []string) error // becomes another program; errors.ErrUnsupported if it cannot
	Now          func() time.Time
}

// Flags are those that every command takes, but what says how much is printed.
type Flags struct {
	File         string
	Files        []string // all that --file named; File is the last of them
	Directory    string
	Home         string
	SystemConfig string
	Stats        bool
	Timeout      time.Duration
	CAFile       string
	PlainHTTP    bool
	Offline      bool
}

// Events are told what happens on the way.
type Events struct {
	Registry func(registry.Event)
	Install  func(install.Event)
	Cluster  func(kube.Event)
}

// Env is one run.
type Env struct {
	Process
	Flags  Flags
	Events Events

	// Carrying is set where whole graphs are followed: most of what may refer to
	// something is nowhere, which is no news.
	Carrying bool

	client   *registry.Client
	source   *Source
	config   *config.Config
	layers   *image.Memory
	untimed  context.Context
	cancel   context.CancelFunc
	accepted accepted
}

// New returns the environment of a run.
func New(p Process) *Env { return &Env{Process: p} }

// Apply makes the flags count: the folder of -C, the environment's offline, the
// time limit, once. The context that it returns has that limit.
func (e *Env) Apply(ctx context.Context) (context.Context, error) {
	if e.untimed != nil {
		return ctx, nil
	}
	if e.Flags.Timeout < 0 {
		return ctx, hint.Usagef("--timeout %s: is negative", e.Flags.Timeout)
	}
	if e.DirError != nil && !filepath.IsAbs(e.Flags.Directory) {
		return ctx, fmt.Errorf("working directory: %w", e.DirError)
	}
	if e.Flags.Directory != "" {
		e.Directory = e.Abs(e.Flags.Directory)
		if info, err := os.Stat(e.Directory); err != nil || !info.IsDir() {
			return ctx, hint.Usagef("--directory %s: is not a directory", e.Flags.Directory)
		}
	}
	if config.IsSet(e.Getenv("SCHEMAHERO_PLUGIN_OFFLINE")) {
		e.Flags.Offline = true
	}
	e.untimed = ctx
	if e.Flags.Timeout > 0 {
		ctx, e.cancel = context.WithTimeout(ctx, e.Flags.Timeout)
	}
	return ctx, nil
}

// Untimed is the context without --timeout, for what comes after this program's own
// work.
func (e *Env) Untimed() context.Context { return e.untimed }

// Close releases what the run has opened.
func (e *Env) Close() {
	if e.source != nil {
		e.source.Close()
	}
	if e.cancel != nil {
		e.cancel()
	}
}

// Abs makes a path that the user typed absolute, as seen from -C.
func (e *Env) Abs(path string) string {
	return system.Abs(e.Directory, path)
}

// Getenv returns a variable of the environment, "" if it is not set.
func (e *Env) Getenv(key string) string {
	v, _ := e.Lookup(key)
	return v
}

// UserHome is the user's home folder, "" where the environment names none.
func (e *Env) UserHome() string {
	return e.Getenv(system.HomeVariable())
}

// Name is how the user called this program: kubectl runs a plugin by its absolute
// path, krew's link has an underscore for its dash.
func (e *Env) Name() string {
	if len(e.Args) == 0 {
		return "kubectl-schemahero-plugin"
	}
	name := Base(e.Args[0])
	switch {
	case name == "kubectl-schemahero_plugin":
		return "kubectl schemahero-plugin"
	case strings.HasPrefix(name, "kubectl_complete-"), name == "kubectl-schemahero-plugin" && filepath.IsAbs(e.Args[0]):
		return "kubectl schemahero plugin"
	}
	return name
}

// Base is a program's name in a path to it.
func Base(argv0 string) string {
	name := filepath.Base(filepath.ToSlash(argv0))
	if ext := filepath.Ext(name); strings.EqualFold(ext, ".exe") {
		name = strings.TrimSuffix(name, ext)
	}
	return name
}

// OnPath is the first program of this name on the PATH; "" for none.
func (e *Env) OnPath(name string) string { return link.Find(e.Getenv("PATH"), name) }

// ParsePlatform reads a platform as a person types it: an architecture alone is
// this machine's operating system's. Errors are of usage.
func (e *Env) ParsePlatform(s string) (artifact.Platform, error) {
	if !strings.Contains(s, "/") && s != "" {
		if p, err := artifact.ParseMachine(e.Platform.OS + "/" + s); err == nil {
			return p, nil
		}
	}
	p, err := artifact.ParseMachine(s)
	return p, hint.Usage(err)
}

// ParsePlatforms reads the values of --platform; one that is named twice counts
// once.
func (e *Env) ParsePlatforms(list []string) ([]artifact.Platform, error) {
	var out []artifact.Platform
	for _, s := range list {
		p, err := e.ParsePlatform(s)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

// Home is the folder that holds drivers, store and receipts. Whoever needs one
// finds out that there is none.
func (e *Env) Home() install.Home {
	dir := e.Flags.Home
	if dir == "" {
		dir = e.Getenv("SCHEMAHERO_PLUGIN_HOME")
	}
	if dir != "" {
		return install.NewHome(e.Abs(dir))
	}
	user := e.UserHome()
	if user == "" {
		return install.Home{}
	}
	return install.NewHome(e.Abs(filepath.Join(user, ".schemahero")))
}

// Layers is what this home knows of layers.
func (e *Env) Layers() *image.Memory {
	if e.layers == nil {
		e.layers = image.OpenMemory(e.Home().Layers())
		e.layers.Stored = func(layer digest.Digest) (string, digest.Digest, bool) {
			entry, ok := e.Home().Stored(layer)
			return entry.Path, entry.Executable, ok
		}
	}
	return e.layers
}

// Config reads the machine's config, and HOME/config.toml below it, once.
func (e *Env) Config() (*config.Config, error) {
	if e.config != nil {
		return e.config, nil
	}
	system, systemErr := config.LoadSystem(e.systemConfig())
	home, err := config.Load(e.Home().Config())
	if err != nil {
		// In a folder that cannot even be looked at there is no home.
		if _, unseen := os.Stat(e.Home().Dir()); unseen != nil {
			home, err = &config.Config{}, nil
		}
	}
	if err := errors.Join(systemErr, err); err != nil {
		return nil, err
	}
	e.config = system.Over(home)
	return e.config, nil
}

// systemConfig is the machine's config: --system-config, else if the process says
// that it is.
func (e *Env) systemConfig() string {
	if e.Flags.SystemConfig != "" {
		return e.Abs(e.Flags.SystemConfig)
	}
	return e.SystemConfig
}

// Exists reports whether there is anything at a path, be it a broken link.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
