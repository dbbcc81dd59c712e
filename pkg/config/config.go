// Package config reads what a machine, and not a project, decides: mirrors, how to
// reach registries, and whom to trust. HOME/config.toml holds it, and above that the
// administrator's file for all users.
package config

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// Config is a valid config.toml. The zero value is that of a file that is not
// there.
type Config struct {
	Mirrors    []Mirror            // longest prefix first, of each file
	Registries map[string]Registry // by host, or host:port
	Overrides  map[string]Override // drivers under development, by name; of the home only
	Link       *bool               // whether installed files may be links to the store's; nil, as true: yes
	Trust      []*policy.Policy    // of each file that has rules: a release must satisfy all
}

// Mirror names the places to ask before a registry.
type Mirror struct {
	Prefix  string   // HOST[/PATH], by whole segments
	Targets []string // HOST[/PATH] each, which stands in the place of the prefix; in the order to try
	System  bool     // of the administrator: tried before those of the home
}

// Registry says how to reach a registry. The files are absolute paths, "" where
// they are not given.
type Registry struct {
	CAFile     string // PEM certificates to trust besides the system's
	ClientCert string // PEM; set together with ClientKey
	ClientKey  string
	PlainHTTP  *bool // nil if the file does not say
}

// Links reports whether installed files may be hard links to the store's.
func (c *Config) Links() bool { return c.Link == nil || *c.Link }

// Load reads a config; a file that is not there is an empty one. The error is a
// *diag.Error, or an *fs.PathError if the file cannot be read.
func Load(file string) (*Config, error) {
	data, err := diag.ReadFile(file, diag.TooLarge)
	if errors.Is(err, fs.ErrNotExist) {
		return &Config{}, nil
	}
	if err != nil {
		return nil, err
	}
	return Parse(file, data)
}

// Parse reads a config. file is its name in messages, and its folder is where
// relative paths begin; the key files of [[trust]] are read from there. The
// error is a *diag.Error with everything that is wrong.
func Parse(file string, data []byte) (*Config, error) { return parse(file, data, false) }

// parse is Parse for a home's config, or the system's.
func parse(file string, data []byte, system bool) (*Config, error) {
	doc := diag.ParseTOML(file, data)
	doc.Root.Only("mirrors", "registries", "trust", "overrides", "link")
	c := &Config{}
	if t, ok := doc.Root.Get("mirrors").AsTable(); ok {
		c.Mirrors = decodeMirrors(t)
	}
	if t, ok := doc.Root.Get("registries").AsTable(); ok {
		c.Registries = decodeRegistries(t)
	}
	if e := doc.Root.Entry("overrides"); e != nil && system {
		e.Problem("belongs in a user's own config.toml: what it names is somebody's work in progress")
	} else if t, ok := doc.Root.Get("overrides").AsTable(); ok {
		c.Overrides = decodeOverrides(t)
	}
	if link, ok := doc.Root.Get("link").AsBool(); ok {
		c.Link = &link
	}
	if trust := policy.Decode(doc.Root.Get("trust")); len(trust.Rules) > 0 {
		c.Trust = []*policy.Policy{&trust}
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

func decodeMirrors(t *diag.Table) []Mirror {
	var mirrors []Mirror
	for _, e := range t.Entries {
		if e.Value.Kind == diag.TableKind {
			e.Problem("names no host: a key with dots needs quotes")
			continue
		}
		if err := policy.CheckReference(e.Key); err != nil {
			e.Problem("%s", reason(err))
		}
		targets, ok := e.Value.AsStringOrStrings()
		if ok && len(targets) == 0 {
			e.Value.Problem("names no mirror")
		}
		m := Mirror{Prefix: e.Key}
		for _, target := range targets {
			err := policy.CheckReference(target.Text)
			switch {
			case err != nil:
				target.Problem("%v", err)
			case target.Text == e.Key:
				target.Problem("%q is the registry itself, which is asked last anyway", target.Text)
			case slices.Contains(m.Targets, target.Text):
				target.Problem("%q is in the list already", target.Text)
			default:
				m.Targets = append(m.Targets, target.Text)
			}
		}
		mirrors = append(mirrors, m)
	}
	slices.SortFunc(mirrors, func(a, b Mirror) int {
		// Of two prefixes of one repository the longer has more segments.
		return cmp.Or(len(b.Prefix)-len(a.Prefix), strings.Compare(a.Prefix, b.Prefix))
	})
	return mirrors
}

func decodeRegistries(t *diag.Table) map[string]Registry {
	registries := make(map[string]Registry, len(t.Entries))
	for _, e := range t.Entries {
		if err := policy.CheckReference(e.Key); err != nil {
			e.Problem("names no host, or host:port: a key with dots or colons needs quotes")
			continue
		}
		if strings.Contains(e.Key, "/") {
			e.Problem("has a path: a registry is a host, or host:port")
		}
		if table, ok := e.Value.AsTable(); ok {
			registries[e.Key] = decodeRegistry(table)
		}
	}
	return registries
}

func decodeRegistry(t *diag.Table) Registry {
	t.Only("ca-file", "client-cert", "client-key", "plain-http")
	r := Registry{CAFile: path(t.Get("ca-file")), ClientCert: path(t.Get("client-cert")), ClientKey: path(t.Get("client-key"))}
	for _, pair := range [][2]string{{"client-cert", "client-key"}, {"client-key", "client-cert"}} {
		if t.Get(pair[0]) != nil && t.Get(pair[1]) == nil {
			t.Missing("%s: %s without %s", t.Name, pair[0], pair[1])
		}
	}
	if plain, ok := t.Get("plain-http").AsBool(); ok {
		r.PlainHTTP = &plain
		if e := t.Entry("ca-file"); plain && e != nil {
			e.Problem("has no effect together with plain-http")
		}
	}
	return r
}

// path returns the absolute path of a file named relative to the config.
func path(v *diag.Value) string {
	file, ok := v.AsString()
	switch {
	case !ok:
		return ""
	case file == "":
		v.Problem("is empty")
		return ""
	}
	return v.Document().Path(file)
}

// reason is an error's text for a message that names the reference already.
func reason(err error) string {
	if e, ok := errors.AsType[*policy.ReferenceError](err); ok {
		return e.Reason
	}
	return err.Error()
}

// IsSet reads the value of an environment variable that is a switch: empty, 0,
// false, f, no, n and off are not set, in any case, and every other word is.
func IsSet(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "0", "false", "f", "no", "n", "off":
		return false
	}
	return true
}
