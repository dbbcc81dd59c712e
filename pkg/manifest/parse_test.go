package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

func mustParse(t testing.TB, text string) *Manifest {
	t.Helper()
	m, err := Parse("schemahero-plugins.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLoadFull(t *testing.T) {
	m, err := Load("", testdata+"/good-full.toml")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Registry) != 3 || m.Dir != "plugins/bin" || m.SchemaHero.String() != "0.25.0" || m.MinimumAge != 72*time.Hour || m.RequiredVersion != ">=0.3" {
		t.Errorf("settings: %+v", m)
	}
	if m.SchemaHeroPos.Line != 5 || m.SchemaHeroPos.Column != 15 {
		t.Errorf("schemahero at %v", m.SchemaHeroPos)
	}
	if got := fmt.Sprint(m.Platforms); got != "[linux/amd64 linux/arm64 linux/arm/v7]" {
		t.Errorf("platforms: %s", got)
	}
	var names []string
	for _, p := range m.Plugins {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); got != "postgres timescaledb oracle edge pinned mysql sqlite" {
		t.Errorf("plugins: %s", got)
	}
	oracle, ok := m.Plugin("oracle")
	if !ok || oracle.Version != ">=1, <3" || !oracle.Prerelease || m.MinimumAgeOf(oracle) != 0 ||
		oracle.Repository != "registry.internal/db/schemahero-oracle" || oracle.Pos.String() != testdata+"/good-full.toml:12:27" {
		t.Errorf("oracle: %+v", oracle)
	}
	if edge, _ := m.Plugin("edge"); edge.Tag != "nightly" || edge.Pos.Column != 23 {
		t.Errorf("edge: %+v", edge)
	}
	if pinned, _ := m.Plugin("pinned"); pinned.Digest.Encoded()[:4] != "2c26" || pinned.Pos.Column != 26 {
		t.Errorf("pinned: %+v", pinned)
	}
	if mysql, _ := m.Plugin("mysql"); !slices.Equal(mysql.Aliases, []string{"mariadb", "percona"}) {
		t.Errorf("mysql: %+v", mysql)
	}
	if _, ok := m.Plugin("mariadb"); ok {
		t.Error("an alias is not an entry")
	}
	if rule, governed := m.Trust.Decide("registry.internal/db/oracle"); !governed || len(rule.Keys) != 3 {
		t.Errorf("rule: %+v, %v", rule, governed)
	}
}

func TestDottedAndInlineForms(t *testing.T) {
	m, err := Load("", testdata+"/good-dotted.toml")
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := m.Plugin("mysql"); p.Version != "~0.1" || len(p.Aliases) != 1 {
		t.Errorf("mysql: %+v", p)
	}
	if m.MinimumAge != 36*time.Hour || m.SchemaHero.Prerelease() != "rc.1" || m.Registry[0] != "localhost:5000" {
		t.Errorf("settings: %+v", m)
	}
	if m, err = Load("", testdata+"/good-inline.toml"); err != nil || len(m.Plugins) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestTooLarge(t *testing.T) {
	text := append([]byte("[plugins]\n"), bytes.Repeat([]byte("# filler\n"), 1<<20/9-2)...)
	if _, err := Parse("m.toml", text); err != nil {
		t.Errorf("%d bytes: %v", len(text), err)
	}
	file := filepath.Join(t.TempDir(), "m.toml")
	if err := os.WriteFile(file, append(text, make([]byte, 1<<20)...), 0o600); err != nil {
		t.Fatal(err)
	}
	var e *diag.Error
	if _, err := Load("", file); !errors.As(err, &e) || e.Problems[0].Text != "the file is larger than 1024 KiB" {
		t.Errorf("error: %v", err)
	}
}

func TestConstraintErrors(t *testing.T) {
	for _, s := range []string{"", " ", "latest", " latest ", "x y", strings.Repeat("1 || ", 100) + "1"} {
		var e *ConstraintError
		if _, err := ParseConstraint(s); !errors.As(err, &e) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if c, err := ParseConstraint(">=1 <3 || ^4"); err != nil || c == nil {
		t.Error(err)
	}
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(filepath.Join(deep, FileName), 0o700); err != nil { // a folder of that name is not a manifest
		t.Fatal(err)
	}
	var missing *NotFoundError
	if path, err := Find(deep); !errors.As(err, &missing) || missing.Dir != deep {
		t.Fatalf("%q, %v", path, err)
	}
	want := filepath.Join(root, FileName)
	if err := os.WriteFile(want, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(deep); err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLockPath(t *testing.T) {
	for file, want := range map[string]string{
		"schemahero-plugins.toml": "schemahero-plugins.lock", "a/prod.toml": "a/prod.lock", "plain": "plain.lock", "x.lock": "x.lock.lock",
	} {
		if got := LockPath(file); got != want {
			t.Errorf("%s: %s", file, got)
		}
	}
}

func TestDirectory(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	for _, dir := range []string{"real", "plugins"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"inside": "real", "out": outside, "plugins/bin": "../..", "dangling": "nowhere", "loop": "loop", "prefix": root + "-more",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(root+"-more", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(root + "-more") })
	for dir, ok := range map[string]bool{
		"new/folder": true, "real/new": true, "inside/new": true, ".": true, "real/./x": true,
		"out": false, "out/deeper": false, "plugins/bin": false, "dangling": false, "loop": false, "prefix": false,
	} {
		m, err := Parse(filepath.Join(root, FileName), []byte("# first\ndir = \""+dir+"\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Directory()
		if want := filepath.Join(root, dir); ok && (err != nil || got != want) {
			t.Errorf("%s: %q, %v", dir, got, err)
		}
		var e *diag.Error
		if !ok && (!errors.As(err, &e) || e.Problems[0].Line != 2 || e.Problems[0].Column != 7) {
			t.Errorf("%s: %q, %v", dir, got, err)
		}
	}
	if got, err := mustParse(t, "").Directory(); got != "" || err != nil {
		t.Errorf("no dir: %q, %v", got, err)
	}
	if _, err := mustParse(t, "").Inside("../x"); err == nil {
		t.Error("Inside follows ..")
	}
}

// many returns a manifest of n plugins.
func many(n int) []byte {
	var b bytes.Buffer
	b.WriteString("registry = \"docker.io/acme/{name}\"\n[plugins]\n")
	for i := range n {
		fmt.Fprintf(&b, "plugin-%d = { version = \">=0.%d, <3\", aliases = [\"alias-%d\"] }\n", i, i, i)
	}
	return b.Bytes()
}

func BenchmarkParse200(b *testing.B) {
	data := many(200)
	for b.Loop() {
		if _, err := Parse("m.toml", data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLongLine is a hostile file, all mistakes and one line. Were columns
// counted from the beginning of the line each time, nine times the size would
// have a ninth of the rate.
func BenchmarkLongLine(b *testing.B) {
	for _, size := range []int{100 << 10, 900 << 10} {
		text := []byte("plugins = { ")
		for i := 0; len(text) < size; i++ {
			text = fmt.Appendf(text, "A%d = 1, ", i)
		}
		text = append(text, '}')
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				var e *diag.Error
				if _, err := Parse("m.toml", text); !errors.As(err, &e) || len(e.Problems) < size/12 {
					b.Fatalf("%T", err)
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(testdata + "/*.toml")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(testdata+"/fuzz.toml", data)
		var e *diag.Error
		switch {
		case err == nil && m == nil:
			t.Error("neither manifest nor error")
		case err == nil:
			for _, p := range m.Plugins {
				if len(m.Locations(p.Name, "")) == 0 {
					t.Errorf("plugin: %+v", p)
				}
			}
		case !errors.As(err, &e):
			t.Errorf("error of type %T: %v", err, err)
		default:
			for _, p := range e.Problems {
				if p.Line < 1 || p.Column < 1 || p.Width < 1 || strings.ContainsRune(p.Text, '\n') || len(data) > 0 && diag.Encoding(data) == "" && e.Snippet(p) == "" {
					t.Errorf("problem %+v", p)
				}
			}
		}
	})
}
