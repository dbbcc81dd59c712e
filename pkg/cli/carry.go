package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// carried is a bundle or layout that drivers come from in place of a registry.
type carried struct {
	*ocilayout.Layout
	path string // as the user wrote it
}

// Fetch implements install.Fetcher.
func (c *carried) Fetch(ctx context.Context, l install.Layer) (io.ReadCloser, error) {
	if _, ok := c.Has(l.Digest); !ok {
		return nil, &transfer.MissingError{Source: c.path, Plugin: l.Plugin, Digest: l.Digest}
	}
	return c.Blob(ctx, ocispec.Descriptor{MediaType: "application/octet-stream", Digest: l.Digest, Size: l.Size})
}

// servedFrom is where a repository's layers come from: itself, or what --from
// names. It is "" where a mirror may be asked first.
func (a *app) servedFrom(repository string) string {
	if a.source != nil {
		return a.source.path
	}
	if c, err := a.loadConfig(); err != nil || slices.ContainsFunc(c.Mirrors, func(m config.Mirror) bool {
		return repository == m.Prefix || strings.HasPrefix(repository, m.Prefix+"/")
	}) {
		return ""
	}
	return repository
}

// openSource opens a bundle or layout and checks it: a tar whole, as it has come
// from elsewhere and nobody can look into it; of a folder that nothing is
// missing, as each layer is held against its digest when it is read.
func (a *app) openSource(ctx context.Context, path string, whole bool) (*carried, *transfer.Contents, error) {
	info, err := os.Stat(a.abs(path))
	if err != nil {
		return nil, nil, usagef("%s: there is no such file or folder", path)
	}
	s, err := ocilayout.Open(a.abs(path))
	if err != nil {
		return nil, nil, err
	}
	check := transfer.Inspect
	if whole || !info.IsDir() {
		check = transfer.Verify
	}
	c, err := check(ctx, s, a.abs(path))
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return &carried{s, path}, c, nil
}

// openFrom makes a bundle or layout what this run reads from, and nothing else:
// from here on no connection is made.
func (a *app) openFrom(ctx context.Context, path string) (*transfer.Contents, error) {
	s, c, err := a.openSource(ctx, path, false)
	if err != nil {
		return nil, err
	}
	a.source, a.flags.offline = s, true
	return c, nil
}

// syncSource opens the project that a sync is of: with --from the project's
// lock, else the bundle's; with --locked the project's alone.
func (a *app) syncSource(ctx context.Context, o *plugins.SyncOptions, from string) (*plugins.Project, error) {
	if from == "" {
		return a.syncProject(o.Frozen)
	}
	c, err := a.openFrom(ctx, from)
	if err != nil {
		return nil, err
	}
	if o.Locked {
		return a.project()
	}
	o.Frozen = true
	p, err := a.syncProject(true)
	if err != nil {
		return nil, err
	}
	lock, err := p.ReadLock()
	if err != nil || lock != nil {
		return p, err
	}
	if c.Lock == nil {
		return nil, &plugins.StaleError{File: p.LockFile(), Missing: true}
	}
	options, err := a.options()
	if err != nil {
		return nil, err
	}
	home := install.NewHome(options.Home)
	a.ui.Say("no project here: installing what the lock in %s says", from)
	return plugins.OpenWith(p.ManifestFile(), home.BundleLock(), c.Lock, options), nil
}

// lockToCarry is the project's lock, else that of the bundle it is carried from.
func (a *app) lockToCarry(c *transfer.Contents) (*lockfile.Lock, error) {
	p, err := a.syncProject(true)
	if err != nil {
		return nil, err
	}
	lock, err := p.ReadLock()
	switch {
	case err != nil:
		return nil, err
	case lock == nil && c != nil && c.Lock != nil:
		return c.Lock, nil
	case lock == nil:
		return nil, &plugins.StaleError{File: p.LockFile(), Missing: true}
	}
	var stale *plugins.StaleError
	if errors.As(p.CheckLock(), &stale) {
		a.ui.Warn("%s: does not satisfy the manifest; what it says is carried all the same", a.ui.Rel(p.LockFile()))
	}
	return lock, nil
}

// forPlatforms returns the part of a lock that --platform asks for. A driver that
// serves none of them is an error, as it is for sync.
func forPlatforms(l *lockfile.Lock, words []string) (*lockfile.Lock, error) {
	if len(words) == 0 {
		return l, nil
	}
	var platforms []artifact.Platform
	for _, w := range words {
		p, err := parseMachine(w)
		if err != nil {
			return nil, asUsage(err)
		}
		platforms = append(platforms, p)
	}
	var errs []error
	for _, p := range l.Plugins {
		for _, platform := range platforms {
			if _, ok := p.Platform(platform); !ok {
				e := &plugins.PlatformError{Name: p.Name, Version: p.Version, Platform: platform}
				for _, q := range p.Platforms {
					e.Offered = append(e.Offered, q.Platform)
				}
				errs = append(errs, e)
			}
		}
	}
	return transfer.Restrict(l, platforms), errors.Join(errs...)
}

// transferEvent shows how far a copy has come.
func (a *app) transferEvent(verb string) func(transfer.Event) {
	return func(e transfer.Event) {
		subject := e.Subject
		switch {
		case e.Kind == transfer.EventThere && a.ui.Verbose:
			a.ui.Say("%s: is there already", subject)
		case e.Kind == transfer.EventThere || e.Total < smallFile && !a.ui.Verbose:
		default:
			a.ui.Track(verb+" "+subject, fmt.Sprintf("%s %s, %s", verb, subject, ui.Bytes(e.Total)), e.Done, e.Total)
		}
	}
}

// problemTexts tells what could not be carried.
func problemTexts(problems []transfer.Problem) []string {
	out := []string{}
	for _, p := range problems {
		out = append(out, p.String())
	}
	slices.Sort(out)
	return out
}

// printCarried prints what was carried. Where that is not all, it is a failure:
// then it is told for a person, on standard error.
func (a *app) printCarried(v ui.View, what string, problems []string) error {
	if len(problems) == 0 {
		return a.ui.Print(v)
	}
	if !a.ui.Quiet {
		v.Text(ui.NewLines(a.ui.Err))
	}
	return a.incomplete(what, problems)
}

// incomplete warns of everything that could not be carried; it is nil where there
// is nothing.
func (a *app) incomplete(what string, problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	for _, p := range problems {
		a.ui.Warn("%s", p)
	}
	return &refused{text: fmt.Sprintf("%s: incomplete, %s could not be carried", what, ui.Count(len(problems), "thing"))}
}
