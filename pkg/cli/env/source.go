package env

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// Source is a bundle or layout that drivers come from in place of a registry.
type Source struct {
	*ocilayout.Layout
	Path string // as the user wrote it
}

// Fetch implements install.Fetcher.
func (s *Source) Fetch(ctx context.Context, l install.Layer) (io.ReadCloser, error) {
	if _, ok := s.Has(l.Digest); !ok {
		return nil, &transfer.MissingError{Source: s.Path, Plugin: l.Plugin, Digest: l.Digest}
	}
	return s.Blob(ctx, artifact.AsBlob(l.Digest, l.Size))
}

// OpenSource opens a bundle or layout and checks it: a tar whole, as it has come
// from elsewhere and nobody can look into it; of a folder that nothing is
// missing, as each layer is held against its digest when it is read.
func (e *Env) OpenSource(ctx context.Context, path string, whole bool) (*Source, *transfer.Contents, error) {
	info, err := os.Stat(e.Abs(path))
	if err != nil {
		if link, ok := errors.AsType[*disk.LinkError](disk.Explain(e.Abs(path), err)); ok {
			return nil, nil, hint.Usage(link)
		}
		return nil, nil, hint.Usagef("%s: there is no such file or folder", path)
	}
	s, err := ocilayout.Open(e.Abs(path))
	if err != nil {
		return nil, nil, err
	}
	check := transfer.Inspect
	if whole || !info.IsDir() {
		check = transfer.Verify
	}
	c, err := check(ctx, s, e.Abs(path))
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return &Source{s, path}, c, nil
}

// ReadFrom makes a bundle or layout what this run reads from, and nothing else:
// from here on no connection is made.
func (e *Env) ReadFrom(ctx context.Context, path string) (*transfer.Contents, error) {
	s, c, err := e.OpenSource(ctx, path, false)
	if err != nil {
		return nil, err
	}
	e.source, e.Flags.Offline = s, true
	return c, nil
}

// Carried is a project whose lock is carried.
type Carried struct {
	*project.Project
	Lock *lockfile.Lock
}

// LocksToCarry are the projects that --file names, or the one that is here, each with
// its lock.
func (e *Env) LocksToCarry(u *ui.UI) ([]Carried, error) {
	files := e.Flags.Files
	if len(files) == 0 {
		files = []string{e.Flags.File}
	}
	var out []Carried
	for _, file := range files {
		e.Flags.File = file
		lock, err := e.LockToCarry(u, nil)
		if err != nil {
			return nil, err
		}
		p, err := e.ProjectOrLock()
		if err != nil {
			return nil, err
		}
		if len(out) > 0 && filepath.Dir(p.LockFile()) != filepath.Dir(out[0].LockFile()) {
			for _, entry := range lock.Plugins {
				if strings.HasPrefix(entry.Repository, artifact.LayoutScheme) {
					return nil, hint.Usagef("--file %s: %s is in a folder of that project, %s: make a bundle of it alone", file, entry.Name, entry.Repository)
				}
			}
		}
		out = append(out, Carried{p, lock})
	}
	e.Flags.File = files[0]
	return out, nil
}

// LockToCarry is the project's lock, else that of the bundle it is carried from.
func (e *Env) LockToCarry(u *ui.UI, c *transfer.Contents) (*lockfile.Lock, error) {
	p, err := e.ProjectOrLock()
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
		return nil, &project.StaleError{File: p.LockFile(), Missing: true}
	}
	if errors.As(p.CheckLock(), new(*project.StaleError)) {
		u.Warn("%s: does not satisfy the manifest; it is used anyway", u.Rel(p.LockFile()))
	}
	return lock, nil
}
