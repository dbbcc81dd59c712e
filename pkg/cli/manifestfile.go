package cli

import (
	"errors"
	"io/fs"
	"os"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

// manifestFile finds the manifest: --file, else upwards from the folder.
func (a *app) manifestFile() (string, error) {
	if a.flags.file == "" {
		return plugins.FindManifest(a.Directory)
	}
	file := a.abs(a.flags.file)
	if info, err := os.Stat(file); err != nil && !exists(file) && !exists(manifest.LockPath(file)) {
		return "", usagef("--file %s: there is no such file", a.flags.file)
	} else if err == nil && info.IsDir() {
		return "", usagef("--file %s: is a folder", a.flags.file)
	}
	return file, nil
}

// project opens the project that the working directory or --file names.
// Without a manifest it is an error, but for a command that can do with the
// lock alone.
func (a *app) project() (*plugins.Project, error) {
	file, err := a.manifestFile()
	if err != nil {
		return nil, err
	}
	o, err := a.options()
	if err != nil {
		return nil, err
	}
	return plugins.Open(file, o), nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
