package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadBoth(t *testing.T) {
	system := write(t, "plugins.toml", `
[mirrors]
"docker.io" = "system.internal"
[registries."a.internal"]
ca-file = "/system.pem"
[registries."b.internal:443"]
client-cert = "/system.crt"
client-key = "/system.key"
[registries."c.internal"]
plain-http = true
[[trust]]
scope = "a.internal"
unsigned = true
`)
	home := write(t, "config.toml", `
[mirrors]
"docker.io/acme" = "own.internal"
[registries."A.internal"]
plain-http = true
client-cert = "/own.crt"
client-key = "/own.key"
[registries."b.internal"]
ca-file = "/own.pem"
client-cert = "/own.crt"
client-key = "/own.key"
[registries."d.internal"]
ca-file = "/own.pem"
[[trust]]
scope = "b.internal"
unsigned = true
`)
	c, err := LoadBoth(system, home)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Mirrors) != 2 || !c.Mirrors[0].System || c.Mirrors[1].System || c.Mirrors[0].Prefix != "docker.io" {
		t.Errorf("mirrors: %+v", c.Mirrors)
	}
	if len(c.Trust) != 2 || c.Trust[0].File != system || c.Trust[1].File != home {
		t.Errorf("trust: %+v", c.Trust)
	}
	a := Registry{CAFile: root(t, "/system.pem"), ClientCert: root(t, "/own.crt"), ClientKey: root(t, "/own.key")}
	b := Registry{CAFile: root(t, "/own.pem"), ClientCert: root(t, "/system.crt"), ClientKey: root(t, "/system.key")}
	for host, want := range map[string]Registry{
		"a.internal": a, "A.internal": a, "b.internal": b, "b.internal:443": b, "d.internal": {CAFile: root(t, "/own.pem")},
	} {
		if got := c.Registries[host]; got != want {
			t.Errorf("%s: %+v", host, got)
		}
	}
	if got := c.Registries["c.internal"]; got.PlainHTTP == nil || !*got.PlainHTTP {
		t.Errorf("c.internal: %+v", got)
	}
}

// root is what a path at the root of a drive means to a file on the drive of
// temporary files: on Windows the drive is told.
func root(t *testing.T, path string) string {
	t.Helper()
	return filepath.Join(filepath.VolumeName(t.TempDir())+string(filepath.Separator), path)
}

func TestLoadSystem(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.toml")
	if c, err := LoadBoth(none, none); err != nil || len(c.Mirrors)+len(c.Registries)+len(c.Trust) != 0 {
		t.Errorf("none: %+v, %v", c, err)
	}
	file := write(t, "file", "")
	_, err := LoadSystem(filepath.Join(file, "plugins.toml"))
	var unreadable *UnreadableError
	if !errors.As(err, &unreadable) || fault.Of(err) != fault.Usage {
		t.Errorf("below a file: %v", err)
	}
	// what is wrong in either is told
	_, err = LoadBoth(write(t, "plugins.toml", "a = 1"), write(t, "config.toml", "b = 1"))
	if each := fault.Each(err); len(each) != 2 || !errors.As(each[0], new(*diag.Error)) || !errors.As(each[1], new(*diag.Error)) {
		t.Errorf("both bad: %v", err)
	}
}
