package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

func seeds(f *testing.F, pattern string) (all [][]byte) {
	files, err := filepath.Glob(filepath.Join(testdata, pattern))
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

func FuzzParse(f *testing.F) {
	for _, data := range seeds(f, "*.toml") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(testdata+"/fuzz.toml", data)
		var invalid *diag.Error
		switch {
		case errors.As(err, &invalid):
			if len(invalid.Problems) == 0 {
				t.Error("an error without problems")
			}
			for _, p := range invalid.Problems {
				if p.Line < 1 || p.Column < 1 || p.Text == "" || len(data) > 0 && diag.Encoding(data) == "" && invalid.Snippet(p) == "" {
					t.Errorf("problem %+v", p)
				}
			}
		case err != nil:
			t.Errorf("error of type %T: %v", err, err)
		default:
			for _, m := range c.Mirrors {
				if m.Prefix == "" || len(m.Targets) == 0 || slices.Contains(m.Targets, m.Prefix) {
					t.Errorf("mirror %+v", m)
				}
			}
			for host, r := range c.Registries {
				if (r.ClientCert == "") != (r.ClientKey == "") || r.CAFile != "" && !filepath.IsAbs(r.CAFile) {
					t.Errorf("%s: %+v", host, r)
				}
			}
		}
	})
}

// FuzzAddMirror adds a mirror to any valid config: it is there afterwards, last
// of its prefix, and nothing else has changed.
func FuzzAddMirror(f *testing.F) {
	for _, data := range append(seeds(f, "good*.toml"), nil, []byte("[mirrors]\n\"a.io\" = \"b.io\" # why")) {
		f.Add(data, "a.io", "mirror.internal/a")
		f.Add(data, "docker.io", "mirror.internal/hub")
	}
	f.Fuzz(func(t *testing.T, data []byte, prefix, target string) {
		file := testdata + "/fuzz.toml"
		before, err := Parse(file, data)
		if err != nil {
			return
		}
		out, err := AddMirror(file, data, prefix, target)
		if errors.As(err, new(*EditError)) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		after, err := Parse(file, out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !slices.Contains(after.targets(prefix), target) {
			t.Errorf("%q = %q is not in\n%s", prefix, target, out)
		}
		for _, m := range before.Mirrors {
			got := after.targets(m.Prefix)
			if m.Prefix != prefix && !slices.Equal(got, m.Targets) || len(got) < len(m.Targets) || !slices.Equal(got[:len(m.Targets)], m.Targets) {
				t.Errorf("%s: %q became %q", m.Prefix, m.Targets, got)
			}
		}
		if len(after.Registries) != len(before.Registries) || rules(after) != rules(before) {
			t.Errorf("more than the mirrors changed:\n%s", out)
		}
		again, err := AddMirror(file, out, prefix, target)
		if err != nil || string(again) != string(out) {
			t.Errorf("added twice: %v\n%s", err, again)
		}
	})
}

func rules(c *Config) (n int) {
	for _, p := range c.Trust {
		n += len(p.Rules)
	}
	return n
}
