// Package manifest reads and edits schemahero-plugins.toml, the file in which a
// project says which drivers it needs and in which versions.
package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
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
	Registry      []string            // as written, in the order to try; nil if the file has none
	Platforms     []artifact.Platform // in file order; nil for all that a release offers
	Dir           string              // as written, with slashes, relative to the file; "" if the file has none
	SchemaHero    *semver.Version     // the host's; nil if the file has none
	SchemaHeroPos diag.Position       // of its value
	MinimumAge    time.Duration

	RequiredVersion string   // constraint on this program, as written; "" if the file has none
	Plugins         []Plugin // in file order
	Trust           policy.Policy

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
	MinimumAge *time.Duration // nil: the manifest's counts
	Aliases    []string       // in file order
	Pos        diag.Position  // of the value of version, tag or digest

	constraint *artifact.Constraint // Version as it was read; nil if it was not
}

// Plugin returns the entry of a name.
func (m *Manifest) Plugin(name string) (Plugin, bool) {
	for i := range m.Plugins {
		if m.Plugins[i].Name == name {
			return m.Plugins[i], true
		}
	}
	return Plugin{}, false
}

// Constraint returns what the entry asks of a version, with its prerelease rule;
// nil for tag and digest entries.
func (p Plugin) Constraint() *artifact.Constraint {
	if p.Version == "" {
		return nil
	}
	c := p.constraint
	if c == nil { // the entry was not read from a file
		var err error
		if c, err = artifact.ParseConstraint(p.Version); err != nil {
			return nil
		}
	}
	own := *c
	own.Prerelease = p.Prerelease
	return &own
}

// MinimumAgeOf returns how old a release of a plugin must be to be taken.
func (m *Manifest) MinimumAgeOf(p Plugin) time.Duration {
	if p.MinimumAge != nil {
		return *p.MinimumAge
	}
	return m.MinimumAge
}

// Load reads the manifest in a file: see ParseFor. A file that cannot be read is an
// *fs.PathError.
func Load(version, file string) (*Manifest, error) {
	data, err := diag.ReadFile(file, diag.TooLarge)
	if err != nil {
		return nil, err
	}
	return ParseFor(version, file, data)
}

// ParseFor is Parse for a program of a version, as it was built; "" stands for
// Release. If it does not satisfy the manifest's required-version, the error has
// nothing but that, a *RequiredVersionError: a later version may know the keys that
// this one does not.
func ParseFor(version, file string, data []byte) (*Manifest, error) {
	doc := diag.ParseTOML(file, data)
	if err := checkRequired(doc, version); err != nil {
		return nil, err
	}
	return decode(doc)
}

// Parse reads a manifest for any program: its required-version is read and not held
// against anything. file is the manifest's name in messages, and its folder is where
// relative paths begin; the key files of [[trust]] are read from there. The
// error is a *diag.Error with everything that is wrong.
func Parse(file string, data []byte) (*Manifest, error) {
	return decode(diag.ParseTOML(file, data))
}

func decode(doc *diag.Document) (*Manifest, error) {
	m := &Manifest{File: doc.File}
	root := doc.Root
	root.Only("registry", "platforms", "dir", "schemahero", "minimum-age", "required-version", "plugins", "trust", "overrides")
	if e := root.Entry("overrides"); e != nil {
		e.Problem("belongs in the config.toml of a home: it is about one machine")
	}
	m.Registry = decodeRegistry(root.Get("registry"))
	m.Platforms = decodePlatforms(root.Get("platforms"))
	m.decodeDir(root.Get("dir"))
	m.decodeHost(root.Get("schemahero"))
	m.MinimumAge, _ = decodeAge(root.Get("minimum-age"))
	m.decodeRequired(root.Get("required-version"))
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
	return lockPath(runtime.GOOS, manifestFile)
}

// lockPath takes X.TOML for X.toml where names have no case.
func lockPath(goos, manifestFile string) string {
	stem := strings.TrimSuffix(manifestFile, ".toml")
	if ext := filepath.Ext(manifestFile); goos == "windows" && strings.EqualFold(ext, ".toml") {
		stem = strings.TrimSuffix(manifestFile, ext)
	}
	return stem + ".lock"
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

func (e *NotFoundError) Kind() fault.Kind { return fault.Usage }

// Find returns the path of the manifest in dir or in the nearest folder above
// that has one; the error is a *NotFoundError if there is none.
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
