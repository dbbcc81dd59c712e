package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

func TestLoad(t *testing.T) {
	file := testdata + "/good-full.toml"
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range c.Mirrors {
		got = append(got, m.Prefix+"="+strings.Join(m.Targets, "+"))
	}
	if s := strings.Join(got, " "); s != "docker.io/schemahero=mirror.internal/schemahero+mirror-2.internal:5000/schemahero docker.io=mirror.internal/hub" {
		t.Errorf("mirrors: %s", s)
	}
	dir, err := filepath.Abs(testdata)
	if err != nil {
		t.Fatal(err)
	}
	want := Registry{CAFile: filepath.Join(dir, "keys", "ca.pem"), ClientCert: filepath.Join(filepath.VolumeName(dir)+string(filepath.Separator), "etc", "pki", "client.pem"), ClientKey: filepath.Join(dir, "keys", "client.key")}
	if r := c.Registries["registry.internal:5000"]; r != want {
		t.Errorf("registry: %+v", r)
	}
	if r := c.Registries["plain.internal"]; r.PlainHTTP == nil || !*r.PlainHTTP {
		t.Errorf("registry: %+v", r)
	}
	if c.Links() || !new(Config).Links() {
		t.Error("link = false says nothing, or nothing says it")
	}
	if rule, governed := c.Trust[0].Decide("registry.internal/db/x"); !governed || rule == nil || c.Trust[0].File != file || len(c.Trust) != 1 {
		t.Errorf("trust: %+v", c.Trust)
	}
}

func TestLoadAbsent(t *testing.T) {
	c, err := Load(filepath.Join(t.TempDir(), "config.toml"))
	if err != nil || len(c.Mirrors) != 0 || len(c.Trust) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := Load(t.TempDir()); err == nil {
		t.Errorf("a folder is a config: %+v", c)
	}
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte("[mirrors"), 0o600); err != nil {
		t.Fatal(err)
	}
	var e *diag.Error
	if _, err := Load(file); !errors.As(err, &e) || e.Problems[0].File != file {
		t.Errorf("error: %v", err)
	}
}

func TestAddMirror(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"empty", "", "[mirrors]\n\"docker.io\" = [\"m.io/x\"]\n"},
		{"other table", "# home\n[registries.\"a.io\"]\nplain-http = true # x", "# home\n[registries.\"a.io\"]\nplain-http = true # x\n\n[mirrors]\n\"docker.io\" = [\"m.io/x\"]\n"},
		{"other prefix", "[mirrors]\n\"ghcr.io\" = \"n.io\" # n\n\n# end\n", "[mirrors]\n\"ghcr.io\" = \"n.io\" # n\n\"docker.io\" = [\"m.io/x\"]\n\n# end\n"},
		{"string", "[mirrors]\n\"docker.io\" = 'n.io' # n\n", "[mirrors]\n\"docker.io\" = ['n.io', \"m.io/x\"] # n\n"},
		{"list", "mirrors = { \"docker.io\" = [\"n.io\", ] } # n\n", "mirrors = { \"docker.io\" = [\"n.io\", \"m.io/x\", ] } # n\n"},
		{"there already", "[mirrors]\n\"docker.io\" = [\"m.io/x\", \"n.io\"]\n", "[mirrors]\n\"docker.io\" = [\"m.io/x\", \"n.io\"]\n"},
		{"dotted", "mirrors.\"ghcr.io\" = \"n.io\"\n", "mirrors.\"ghcr.io\" = \"n.io\"\nmirrors.\"docker.io\" = [\"m.io/x\"]\n"},
		{"CRLF", "[mirrors]\r\n", "[mirrors]\r\n\"docker.io\" = [\"m.io/x\"]\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := AddMirror("config.toml", []byte(c.before), "docker.io", "m.io/x")
			if err != nil || string(got) != c.after {
				t.Errorf("%v\n got %q\nwant %q", err, got, c.after)
			}
		})
	}
	var edit *EditError
	for _, bad := range [][2]string{{"docker.io", "https://m.io"}, {"docker", "m.io"}, {"docker.io", "docker.io"}} {
		if got, err := AddMirror("config.toml", nil, bad[0], bad[1]); got != nil || !errors.As(err, &edit) || fault.Of(err) != fault.Usage {
			t.Errorf("%v: %q, %v", bad, got, err)
		}
	}
	var invalid *diag.Error
	if got, err := AddMirror("config.toml", []byte("mirors = 1"), "docker.io", "m.io"); got != nil || !errors.As(err, &invalid) {
		t.Errorf("%q, %v", got, err)
	}
}
