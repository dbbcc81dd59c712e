package carry

import (
	"path/filepath"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
)

// checkTarget refuses, before anything is fetched, to write a bundle or layout
// over what is something else.
func checkTarget(e *env.Env, name string, folder bool, projects []env.Carried, l *lockfile.Lock) error {
	file := e.Abs(name)
	at := filepath.Clean(file)
	if folder {
		at = filepath.Join(file, ocilayout.LockFile)
	}
	for _, p := range projects {
		for _, own := range []string{p.ManifestFile(), p.LockFile()} {
			if at == own || disk.SameFile(at, own) {
				return hint.Usagef("%s: is where the project's own %s is", name, filepath.Base(own))
			}
		}
	}
	if !folder {
		return ocilayout.CheckFile(file)
	}
	if err := notItself(e, file, l); err != nil {
		return err
	}
	return ocilayout.CheckFolder(file)
}

// notItself refuses to write the layout that the lock's drivers come from: what
// else is in it would be removed.
func notItself(e *env.Env, dir string, l *lockfile.Lock) error {
	for _, p := range l.Plugins {
		path, ok := strings.CutPrefix(p.Repository, artifact.LayoutScheme)
		if !ok {
			continue
		}
		rel, err := filepath.Rel(dir, filepath.Join(e.ProjectDir(), filepath.FromSlash(path)))
		if err == nil && filepath.IsLocal(rel) {
			return &ocilayout.FolderError{Folder: dir, Problem: "is where the lock's " + p.Name + " comes from"}
		}
	}
	return nil
}
