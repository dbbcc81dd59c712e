package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// SystemFile is where the administrator of a machine says what holds for all its
// users. It has the grammar of a home's config.toml.
func SystemFile() string {
	if runtime.GOOS == "windows" {
		return `C:\ProgramData\schemahero\plugins.toml`
	}
	return "/etc/schemahero/plugins.toml"
}

// UnreadableError says that a machine's config, which may hold its policy, is there
// and cannot be read.
type UnreadableError struct {
	File string
	Err  error
}

func (e *UnreadableError) Error() string {
	reason := e.Err
	if path, ok := errors.AsType[*fs.PathError](e.Err); ok {
		reason = path.Err
	}
	return fmt.Sprintf("%s: may hold this machine's policy and cannot be read: %v", e.File, reason)
}

// Unwrap returns Err.
func (e *UnreadableError) Unwrap() error { return e.Err }

// Kind is fault.Usage: it is never passed over.
func (e *UnreadableError) Kind() fault.Kind { return fault.Usage }

// OwnerError says that the config in the administrator's place is another user's.
type OwnerError struct{ File string }

func (e *OwnerError) Error() string {
	return e.File + ": belongs to neither an administrator nor this user"
}

// Kind is fault.Usage.
func (e *OwnerError) Kind() fault.Kind { return fault.Usage }

// LoadSystem reads a machine's config; a file that is not there is an empty one.
// Errors: *diag.Error, *UnreadableError, *OwnerError.
func LoadSystem(file string) (*Config, error) {
	data, err := diag.ReadFile(file, diag.TooLarge)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Config{}, nil
	case errors.As(err, new(*diag.Error)):
		return nil, err
	case err != nil:
		return nil, &UnreadableError{file, err}
	}
	if file == SystemFile() {
		if ok, err := system.Administered(file); err != nil {
			return nil, &UnreadableError{file, err}
		} else if !ok {
			return nil, &OwnerError{file}
		}
	}
	c, err := parse(file, data, true)
	if err != nil {
		return nil, err
	}
	for i := range c.Mirrors {
		c.Mirrors[i].System = true
	}
	return c, nil
}

// LoadBoth reads a machine's config and, below it, that of a home. Errors: those of
// LoadSystem and Load, joined.
func LoadBoth(system, home string) (*Config, error) {
	above, systemErr := LoadSystem(system)
	below, homeErr := Load(home)
	if err := errors.Join(systemErr, homeErr); err != nil {
		return nil, err
	}
	return above.Over(below), nil
}

// Over puts a machine's config above that of a home: its mirrors are tried first,
// the rules of both must hold, and its link counts before
// the home's. Of a registry in both, the machine's says how it
// is known (ca-file and plain-http together) and who asks (client-cert and
// client-key); what it leaves out, the home's says.
func (c *Config) Over(home *Config) *Config {
	merged := &Config{
		Mirrors:    slices.Concat(c.Mirrors, home.Mirrors),
		Registries: maps.Clone(home.Registries),
		Overrides:  home.Overrides,
		Link:       cmp.Or(c.Link, home.Link),
		Trust:      slices.Concat(c.Trust, home.Trust),
	}
	for host, above := range c.Registries {
		if merged.Registries == nil {
			merged.Registries = map[string]Registry{}
		}
		whole := above
		for name, below := range home.Registries {
			if policy.Under(host, name) { // the same host, however it is spelt
				whole = above.over(below)
				merged.Registries[name] = whole
			}
		}
		merged.Registries[host] = whole
	}
	return merged
}

func (r Registry) over(home Registry) Registry {
	if r.CAFile == "" && r.PlainHTTP == nil {
		r.CAFile, r.PlainHTTP = home.CAFile, home.PlainHTTP
	}
	if r.ClientCert == "" {
		r.ClientCert, r.ClientKey = home.ClientCert, home.ClientKey
	}
	return r
}
