package resolve

import (
	"errors"
	"fmt"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// builtIn resolves a manifest without a registry.
func (r *registries) builtIn(o Options) (*Result, error) {
	o.Manifest = parse(r.t, "# registry: the built-in list\n[plugins]\npostgres = \"^0.1\"\n")
	return r.resolve(o)
}

func TestBuiltInLocations(t *testing.T) {
	const first, second = "docker.io/schemahero/plugins/postgres", "docker.io/schemahero/plugin-postgres"
	denied := fmt.Errorf("%s: %w", first, artifact.ErrDenied)
	down := errors.New("connection refused")
	for name, c := range map[string]struct {
		in   []string // repositories that exist
		fail map[string]error
		want string // repository locked
		err  error
	}{
		"first":                        {in: []string{first, second}, want: first},
		"second":                       {in: []string{second}, want: second},
		"anonymous denial":             {in: []string{second}, fail: map[string]error{"tags " + first: denied}, want: second},
		"denial by credentials":        {in: []string{second}, fail: map[string]error{"tags " + first: errors.New("denied: not yours")}, err: errors.New("denied: not yours")},
		"unreachable is not an answer": {in: []string{second}, fail: map[string]error{"tags " + first: down}, err: down},
		"nowhere":                      {err: &NoRepositoryError{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistries(t)
			r.fail = c.fail
			for _, repo := range c.in {
				r.repo(repo).index("0.1.0", release{})
			}
			result, err := r.builtIn(Options{})
			if c.err != nil {
				if none := new(NoRepositoryError); errors.As(c.err, &none) {
					if !errors.As(err, &none) || len(none.Tried) != 2 {
						t.Fatalf("got %v", err)
					}
					want := "postgres: no repository: " + first + ": not found; " + second + ": not found"
					if err.Error() != want {
						t.Errorf("got  %s\nwant %s", err, want)
					}
				} else if err == nil || err.Error() != c.err.Error() {
					t.Errorf("got %v, want %v", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Lock.Plugins[0].Repository; got != c.want {
				t.Errorf("locked from %s, want %s", got, c.want)
			}
			if c.want == first && r.count("tags "+second) != 0 {
				t.Error("the second location was asked though the first has the plugin")
			}
		})
	}
}

// TestConfiguredDenial: what was written in the manifest is meant to be there.
func TestConfiguredDenial(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0")
	r.fail["tags ghcr.io/acme/postgres"] = fmt.Errorf("ghcr.io/acme/postgres: %w", artifact.ErrDenied)
	m := "registry = [\"ghcr.io/acme\", \"" + official + "\"]\n[plugins]\npostgres = \"*\"\n"
	if _, err := r.resolve(Options{Manifest: parse(t, m)}); !errors.Is(err, artifact.ErrDenied) {
		t.Errorf("got %v", err)
	}
	delete(r.fail, "tags ghcr.io/acme/postgres")
	if got := r.lock(m, Options{}).Lock.Plugins[0].Repository; got != official+"/postgres" {
		t.Errorf("locked from %s", got)
	}
}

func TestOverride(t *testing.T) {
	r := newRegistries(t)
	r.repo("mirror.test/sh-postgres").index("0.1.0", release{})
	result, err := r.builtIn(Options{Override: "mirror.test/sh"})
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Lock.Plugins[0].Repository; got != "mirror.test/sh-postgres" {
		t.Errorf("locked from %s", got)
	}
}

// TestTagFallsThrough: a tag entry is looked for in the same locations.
func TestTagFallsThrough(t *testing.T) {
	r := newRegistries(t)
	r.repo(official+"/edge").index("nightly", release{})
	m := "registry = [\"ghcr.io/acme\", \"" + official + "\"]\n[plugins]\nedge = { tag = \"nightly\" }\n"
	if got := r.lock(m, Options{}).Lock.Plugins[0].Repository; got != official+"/edge" {
		t.Errorf("locked from %s", got)
	}
	if r.count("tags ") != 0 {
		t.Error("a tag entry needs no list of tags")
	}
}
