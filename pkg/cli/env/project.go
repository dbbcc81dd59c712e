package env

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// ManifestFile finds the manifest: --file, else upwards from the folder.
func (e *Env) ManifestFile() (string, error) {
	if e.Flags.File == "" {
		return project.FindManifest(e.Directory)
	}
	file := e.Abs(e.Flags.File)
	if info, err := os.Stat(file); err != nil && !Exists(file) && !Exists(manifest.LockPath(file)) {
		return "", hint.Usagef("--file %s: there is no such file", e.Flags.File)
	} else if err == nil && info.IsDir() {
		return "", hint.Usagef("--file %s: is a folder", e.Flags.File)
	}
	return file, nil
}

// ProjectDir is the manifest's folder, from which its oci-layout: paths start, or
// the working directory if there is no manifest.
func (e *Env) ProjectDir() string {
	file, err := e.ManifestFile()
	if err != nil {
		return e.Directory
	}
	return filepath.Dir(file)
}

// Project opens the project that the working directory or --file names. Without a
// manifest it is an error, but for a command that can do with the lock alone.
func (e *Env) Project() (*project.Project, error) {
	file, err := e.ManifestFile()
	if err != nil {
		return nil, err
	}
	o, err := e.Options()
	if err != nil {
		return nil, err
	}
	return project.Open(file, o), nil
}

// OwnManifest is the project's manifest, nil if there is no project.
func (e *Env) OwnManifest() (*manifest.Manifest, error) {
	p, err := e.Project()
	if project.Missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return p.Manifest()
}

// ProjectOrLock is Project for commands that can do without a manifest: the lock
// is looked for where the manifest would be. There need be neither.
func (e *Env) ProjectOrLock() (*project.Project, error) {
	p, err := e.Project()
	if err == nil || !project.Missing(err) {
		return p, err
	}
	o, err := e.Options()
	if err != nil {
		return nil, err
	}
	for dir := e.Directory; ; dir = filepath.Dir(dir) {
		if q := project.Open(filepath.Join(dir, project.ManifestName), o); Exists(q.LockFile()) {
			return q, nil
		}
		if dir == filepath.Dir(dir) {
			return project.Open(filepath.Join(e.Directory, project.ManifestName), o), nil
		}
	}
}

// CheckLock refuses a project whose lock cannot be read, if there is one: what
// it wants is not known.
func (e *Env) CheckLock() error {
	p, err := e.ProjectOrLock()
	if err != nil {
		return err
	}
	_, err = p.ReadLock()
	return err
}

// Options is what a project needs to know of this run.
func (e *Env) Options() (project.Options, error) {
	client, err := e.Client()
	if err != nil {
		return project.Options{}, err
	}
	override := e.Getenv("SCHEMAHERO_PLUGIN_REGISTRY")
	var bad *policy.ReferenceError
	if override != "" && errors.As(manifest.CheckRegistry(override+"-{name}"), &bad) {
		return project.Options{}, hint.Usagef("SCHEMAHERO_PLUGIN_REGISTRY %q, to which -NAME is added: %s", override, strings.ReplaceAll(bad.Reason, "-{name}", ""))
	}
	verifier, err := e.Verifier()
	if err != nil {
		return project.Options{}, err
	}
	c, err := e.Config()
	if err != nil {
		return project.Options{}, err
	}
	layers := e.Layers() // here: layers are learnt of several at a time
	o := project.Options{
		Version:   e.Version,
		Home:      e.Home().Dir(),
		Platform:  e.Platform,
		Registry:  client,
		Verifier:  verifier,
		Machine:   c.Trust,
		Override:  override,
		Overrides: c.Overrides,
		CI:        config.IsSet(e.Getenv("CI")),
		Offline:   e.Flags.Offline,
		Now:       e.Now,
		Link:      c.Links(),
		Progress:  e.Events.Install,
		Learnt: func(l install.Layer, f unpack.Facts) {
			if l.Platform.OS == "linux" { // an image holds no other
				layers.Learn(l.Digest, f)
			}
		},
		Probe: start,
	}
	if e.source != nil {
		o.Fetch, o.Source = e.source, e.Repository
	}
	return o, nil
}

// start is the probe of a driver that is about to be placed.
func start(ctx context.Context, _ install.Item, path string) error {
	_, err := probe.Identify(ctx, path)
	return err
}

// SearchPath is where the host would look for drivers from here.
func (e *Env) SearchPath() []string {
	return install.SearchPath(e.Directory, e.UserHome(), e.Getenv("SCHEMAHERO_PLUGIN_PATH"))
}

// Target is where to install, and for which platforms; none and "" are what a sync
// does anyway.
func (e *Env) Target(words []string, dir string) (o project.SyncOptions, err error) {
	if o.Platforms, err = e.ParsePlatforms(words); err != nil {
		return o, err
	}
	if dir != "" {
		o.Dir = e.Abs(dir)
	}
	if len(o.Platforms) == 1 && o.Platforms[0] == e.Platform && o.Dir == "" {
		o.Platforms = nil
	}
	if len(o.Platforms) > 0 && o.Dir == "" {
		return o, hint.Usagef("--platform %s: needs --dir, because this machine (%s) would load what is installed", o.Platforms[0], e.Platform)
	}
	return o, nil
}

// Differs is the error of a machine that is not as its lock says; nil if it is.
func (e *Env) Differs(r *project.CheckReport) error {
	switch {
	case !r.Drift():
		return nil
	case r.Stale != nil:
		return r.Stale
	}
	return &hint.DriftError{Text: "this machine differs from the lock", Next: e.nextSync(r.Items)}
}

// nextSync is what makes the machine match: "" for a plain sync, which does not
// touch what it did not install.
func (e *Env) nextSync(items []install.Status) string {
	next := ""
	for _, it := range items {
		switch it.State {
		case install.OK:
		case install.Shadowed:
			next = "see which file the host loads instead, and why: " + e.Name() + " which " + it.Name
		case install.Overridden:
			next = "for what is locked, take " + it.Plugin + " out of [overrides] in HOME/config.toml, then run " + e.Name() + " sync"
		case install.Foreign:
			if it.Unjudged {
				return "" // a sync finds out, and adopts it or says what then
			}
			return e.Name() + " sync --force"
		default:
			return ""
		}
	}
	return next
}

// Namespaces are where drivers may be: what is named, else the manifest's
// registries, else the built-in ones.
func (e *Env) Namespaces(where string) ([]string, error) {
	if where != "" {
		return []string{strings.TrimSuffix(where, "/")}, nil
	}
	if p, err := e.Project(); err == nil {
		m, err := p.Manifest()
		if err != nil {
			return nil, err
		}
		if len(m.Registry) > 0 {
			return m.Registry, nil
		}
	}
	if v := e.Getenv("SCHEMAHERO_PLUGIN_REGISTRY"); v != "" {
		return []string{v + "-{name}"}, nil
	}
	return manifest.BuiltIn(), nil
}
