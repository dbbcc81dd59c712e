// Package manifest reads and edits schemahero-plugins.toml, the file in which a
// project says which drivers it needs and in which versions.
package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	digest "github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// FileName is the manifest's name in a project's folder.
const FileName = "schemahero-plugins.toml"

// Manifest is a valid schemahero-plugins.toml.
type Manifest struct {
	File          string
	Registry      []string            // as written, in the order to try; nil where the file has none
	Platforms     []artifact.Platform // in file order; nil for all that a release offers
	Dir           string              // as written, with slashes, relative to the file; "" where the file has none
	SchemaHero    *semver.Version     // the host's; nil where the file has none
	SchemaHeroPos diag.Position       // of its value
	MinimumAge    time.Duration
	Plugins       []Plugin // in file order
	Trust         policy.Policy

	dir *diag.Value
}

// Plugin is an entry of [plugins]. Exactly one of Version, Tag and Digest is
// set, and not both of Registry and Repository.
type Plugin struct {
	Name       string
	Version    string // the constraint as written
	Tag        string
	Digest     digest.Digest
	Registry   []string // as written, in the order to try
	Repository string   // HOST/PATH, or oci-layout:DIR
	Prerelease bool
	Aliases    []string      // in file order
	Pos        diag.Position // of the value of version, tag or digest
}

// Plugin returns the entry of a name.
func (m *Manifest) Plugin(name string) (Plugin, bool) {
	for _, p := range m.Plugins {
		if p.Name == name {
			return p, true
		}
	}
	return Plugin{}, false
}

// Load reads the manifest in a file: see Parse. A file that cannot be read is an
// *fs.PathError.
func Load(file string) (*Manifest, error) {
	data, err := diag.ReadFile(file, diag.TooLarge)
	if err != nil {
		return nil, err
	}
	return Parse(file, data)
}

// Parse reads a manifest. file is its name in messages, and its folder is where
// relative paths begin; the key files of [[trust]] are read from there. The
// error is a *diag.Error with everything that is wrong.
func Parse(file string, data []byte) (*Manifest, error) {
	doc := diag.ParseTOML(file, data)
	m := &Manifest{File: file}
	root := doc.Root
	root.Only("registry", "platforms", "dir", "schemahero", "minimum-age", "plugins", "trust")
	m.Registry = decodeRegistry(root.Get("registry"))
	m.Platforms = decodePlatforms(root.Get("platforms"))
	m.decodeDir(root.Get("dir"))
	m.decodeHost(root.Get("schemahero"))
	m.decodeAge(root.Get("minimum-age"))
	if t, ok := root.Get("plugins").AsTable(); ok {
		m.decodePlugins(t)
	}
	m.Trust = policy.Decode(root.Get("trust"))
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

// LockPath returns the path of a manifest's lock: X.lock for X.toml.
func LockPath(manifestFile string) string {
	return strings.TrimSuffix(manifestFile, ".toml") + ".lock"
}

// NotFoundError says that there is no manifest: the file that was named, or
// where none was, any from a folder up to the root.
type NotFoundError struct {
	Dir  string
	File string // "" where none was named
}

func (e *NotFoundError) Error() string {
	if e.File != "" {
		return e.File + ": there is no such manifest"
	}
	return fmt.Sprintf("%s: no %s here or in a folder above", e.Dir, FileName)
}

// Kind is fault.Usage.
func (e *NotFoundError) Kind() fault.Kind { return fault.Usage }

// Find returns the path of the manifest in dir or in the nearest folder above
// that has one; the error is a *NotFoundError where there is none.
func Find(dir string) (path string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		path = filepath.Join(at, FileName)
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			return path, nil
		}
		if _, e := os.Readlink(path); err != nil && e == nil {
			return path, nil // reading it tells where the link leads
		}
		if err != nil && !os.IsNotExist(err) {
			return "", err
		}
		if filepath.Dir(at) == at {
			return "", &NotFoundError{Dir: dir}
		}
	}
}
