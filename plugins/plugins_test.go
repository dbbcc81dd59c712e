package plugins_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins/signed"
)

// place is a registry with postgres 0.1.0, and a home with a config.
func place(t *testing.T, config string) (*registrytest.Registry, plugins.Options) {
	t.Helper()
	r := registrytest.New(t)
	push(r, "postgres", "0.1.0")
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "config.toml"), []byte(strings.ReplaceAll(config, "REGISTRY", r.Host())), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SCHEMAHERO_PLUGIN_HOME", home)
	t.Setenv("SCHEMAHERO_PLUGIN_REGISTRY", r.Host()+"/schemahero/plugin")
	o, err := plugins.DefaultOptions()
	if err != nil {
		t.Fatal(err)
	}
	return r, o
}

func publicKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func installed(o plugins.Options) bool {
	_, err := os.Stat(filepath.Join(o.Home, "plugins", o.Platform.Executable("postgres")))
	return err == nil
}

// The rules of the machine hold in a program that embeds this package, whether it
// can verify signatures or not.
func TestMachineTrust(t *testing.T) {
	key := publicKey(t)
	for name, c := range map[string]struct {
		config string
		want   plugins.Kind // "" for none
	}{
		"no rules":        {"", ""},
		"a key":           {"[[trust]]\nscope = \"REGISTRY\"\nkeys = ['" + key + "']\n", plugins.Integrity},
		"another scope":   {"[[trust]]\nscope = \"other.example\"\nunsigned = true\n", plugins.Integrity},
		"unsigned":        {"[[trust]]\nscope = \"REGISTRY\"\nunsigned = true\n", ""},
		"longest decides": {"[[trust]]\nscope = \"REGISTRY\"\nunsigned = true\n[[trust]]\nscope = \"REGISTRY/schemahero\"\nkeys = ['" + key + "']\n", plugins.Integrity},
	} {
		t.Run(name, func(t *testing.T) {
			_, without := place(t, c.config)
			with, err := signed.DefaultOptions()
			if err != nil {
				t.Fatal(err)
			}
			for what, o := range map[string]plugins.Options{"without a verifier": without, "with one": with} {
				os.RemoveAll(filepath.Join(o.Home, "plugins"))
				_, err := plugins.Download(t.Context(), o, plugins.DownloadOptions{Name: "postgres"})
				if refused := err != nil; refused != (c.want != "") || refused && plugins.KindOf(err) != c.want {
					t.Errorf("%s: %v (%s)", what, err, plugins.KindOf(err))
				}
				if installed(o) != (c.want == "") {
					t.Errorf("%s: installed is %v", what, installed(o))
				}
			}
		})
	}
}

// The administrator's file counts above the home's, whatever made the options.
func TestSystemConfig(t *testing.T) {
	r, o := place(t, "[[trust]]\nscope = \"REGISTRY\"\nunsigned = true\n")
	o.SystemConfig = filepath.Join(t.TempDir(), "plugins.toml")
	for text, want := range map[string]plugins.Kind{
		"":        "",
		"bad = 1": plugins.Usage,
		"[[trust]]\nscope = \"other.example\"\nunsigned = true\n":             plugins.Integrity,
		"[[trust]]\nscope = \"" + r.Host() + "\"\nunsigned = true\n":          "",
		"[mirrors]\n\"" + r.Host() + "/x\" = \"" + r.Host() + "/schemahero\"": "",
	} {
		if err := os.WriteFile(o.SystemConfig, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		os.RemoveAll(filepath.Join(o.Home, "plugins"))
		_, err := plugins.Download(t.Context(), o, plugins.DownloadOptions{Name: "postgres"})
		if (err != nil) != (want != "") || err != nil && plugins.KindOf(err) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func manifestOf(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), plugins.ManifestName)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// A project whose only rule accepts what nobody signed needs no Verifier, one
// that asks for a signature does.
func TestProjectTrust(t *testing.T) {
	s, o := place(t, "")
	for rule, want := range map[string]bool{"unsigned = true": true, "keys = ['" + publicKey(t) + "']": false} {
		file := manifestOf(t, "[plugins]\npostgres = \"*\"\n[[trust]]\nscope = \""+s.Host()+"\"\n"+rule+"\n")
		p, err := plugins.Open(file, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Sync(t.Context(), plugins.SyncOptions{}); (err == nil) != want || err != nil && plugins.KindOf(err) != plugins.Integrity {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// The machine's mirrors count: the origin is not there at all.
func TestMachineMirrors(t *testing.T) {
	s, o := place(t, "[mirrors]\n\"registry.invalid/acme\" = [\"REGISTRY/schemahero\"]\n")
	p, err := plugins.Open(manifestOf(t, "registry = \"registry.invalid/acme/plugin-{name}\"\n[plugins]\npostgres = \"*\"\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Sync(t.Context(), plugins.SyncOptions{})
	if err != nil || !installed(o) || r.Items[0].Action != plugins.Installed || strings.Contains(r.Items[0].Repository, s.Host()) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestBadConfig(t *testing.T) {
	t.Setenv("SCHEMAHERO_PLUGIN_HOME", t.TempDir())
	home := os.Getenv("SCHEMAHERO_PLUGIN_HOME")
	if err := os.WriteFile(filepath.Join(home, "config.toml"), []byte("[[trust]]\nscope = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := plugins.DefaultOptions(); plugins.KindOf(err) != plugins.Usage {
		t.Errorf("DefaultOptions: %v", err)
	}
	if _, err := plugins.Open(manifestOf(t, ""), plugins.Options{Home: home}); plugins.KindOf(err) != plugins.Usage {
		t.Errorf("Open: %v", err)
	}
}

// One call that fails leaves the project as it was, and a later one sees what is
// new.
func TestLongLife(t *testing.T) {
	s, o := place(t, "")
	file := manifestOf(t, "[plugins]\npostgres = \"*\"\n")
	p, err := plugins.Open(file, o)
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Lock(gone, plugins.LockOptions{}); err == nil {
		t.Fatal("locked with a cancelled context")
	}
	if _, err := p.Lock(t.Context(), plugins.LockOptions{}); err != nil {
		t.Fatalf("after a cancelled call: %v", err)
	}
	push(s, "postgres", "0.2.0")
	out, err := p.Outdated(t.Context(), plugins.OutdatedOptions{})
	if err != nil || len(out.Items) != 1 || out.Items[0].Latest != "0.2.0" || !out.Items[0].Behind {
		t.Errorf("%+v, %v", out, err)
	}
	r, err := p.Update(t.Context(), plugins.UpdateOptions{})
	if err != nil || len(r.Changes) != 1 || r.Items[0].Version != "0.2.0" {
		t.Errorf("%+v, %v", r, err)
	}
	if v, err := p.Verify(t.Context(), plugins.VerifyOptions{Remote: true}); err != nil || v.Items[0].State != plugins.OK || len(v.Moved) > 0 {
		t.Errorf("%+v, %v", v, err)
	}
	os.Remove(file)
	os.Remove(strings.TrimSuffix(file, ".toml") + ".lock")
	if pruned, err := p.Prune(t.Context(), plugins.PruneOptions{}); err != nil || len(pruned.Removed) != 1 || installed(o) {
		t.Errorf("%+v, %v", pruned, err)
	}
}

// Relative paths are from the working directory of the call, so that what is
// recorded of them is absolute.
func TestRelativePaths(t *testing.T) {
	_, o := place(t, "")
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("m.toml", []byte("[plugins]\npostgres = \"*\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Home = "home"
	p, err := plugins.Open("m.toml", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	r, err := p.Sync(t.Context(), plugins.SyncOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "home", "plugins"); filepath.Dir(r.Items[0].Path) != want {
		t.Errorf("installed %s, want it in %s", r.Items[0].Path, want)
	}
	if kept, err := p.Prune(t.Context(), plugins.PruneOptions{}); err != nil || len(kept.Removed) > 0 {
		t.Errorf("the claim was lost: %+v, %v", kept, err)
	}
}

func TestVerifierOfOthers(t *testing.T) {
	_, o := place(t, "")
	o.Verifier = stranger{}
	if _, err := plugins.Open("m.toml", o); plugins.KindOf(err) != plugins.Usage {
		t.Errorf("%v", err)
	}
}

type stranger struct{}

func (stranger) VerifiesSignatures() {}

// What a driver costs a sync with nothing to do, in memory: most of its time goes
// with that, and every page of it is a fault.
func TestGrowth(t *testing.T) {
	r, o := place(t, "")
	allocated := map[int]uint64{}
	for _, n := range []int{10, 60} {
		text := "[plugins]\n"
		for i := range n {
			name := fmt.Sprintf("driver%d", i)
			push(r, name, "0.1.0")
			text += name + " = \"^0.1\"\n"
		}
		p, err := plugins.Open(manifestOf(t, text), o)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := p.Sync(t.Context(), plugins.SyncOptions{}); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			allocated[n] = after.TotalAlloc - before.TotalAlloc
		}
	}
	if each := (allocated[60] - allocated[10]) / 50; each > 20<<10 {
		t.Errorf("a driver costs a sync with nothing to do %d bytes", each)
	}
}

// What a publisher withdrew is told, and nothing else is done about it.
func TestWithdrawn(t *testing.T) {
	r, o := place(t, "")
	p, err := plugins.Open(writeManifest(t, "[plugins]\npostgres = \"*\"\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Sync(t.Context(), plugins.SyncOptions{}); err != nil {
		t.Fatal(err)
	}
	client, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	repo, err := client.Target(r.Host() + "/schemahero/plugin-postgres")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publish.Withdraw(t.Context(), repo, "postgres", "0.1.0", artifact.Withdrawal{Date: time.Now().Add(-time.Hour), Reason: "loses rows"}); err != nil {
		t.Fatal(err)
	}
	outdated, err := p.Outdated(t.Context(), plugins.OutdatedOptions{})
	if err != nil || len(outdated.Items) != 1 || outdated.Items[0].Withdrawn == nil || outdated.Items[0].Withdrawn.Reason != "loses rows" {
		t.Errorf("Outdated: %+v, %v", outdated, err)
	}
	verified, err := p.Verify(t.Context(), plugins.VerifyOptions{Remote: true})
	if err != nil || verified.Withdrawn["postgres"].Reason != "loses rows" {
		t.Errorf("Verify: %+v, %v", verified, err)
	}
	if _, err := p.Sync(t.Context(), plugins.SyncOptions{Locked: true}); err != nil {
		t.Error(err)
	}
}

// A driver under development stays in its place, unless only what is locked will do.
func TestOverridden(t *testing.T) {
	own := filepath.Join(t.TempDir(), "mine")
	if err := os.WriteFile(own, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CI", "")
	_, o := place(t, "[overrides]\npostgres = '"+own+"'\n")
	manifest := writeManifest(t, "[plugins]\npostgres = \"*\"\n")
	p, err := plugins.Open(manifest, o)
	if err != nil {
		t.Fatal(err)
	}
	synced, err := p.Sync(t.Context(), plugins.SyncOptions{})
	if err != nil || len(synced.Items) != 1 || synced.Items[0].State != plugins.Overridden {
		t.Fatalf("Sync: %+v, %v", synced, err)
	}
	if at, err := filepath.EvalSymlinks(synced.Items[0].Path); err != nil || !sameFile(t, at, own) {
		t.Errorf("leads to %s, %v", at, err)
	}
	listed, err := p.List(t.Context(), plugins.ListOptions{})
	if err != nil || len(listed.Items) != 1 || listed.Items[0].State != plugins.Overridden {
		t.Errorf("List: %+v, %v", listed, err)
	}
	if _, err := p.Sync(t.Context(), plugins.SyncOptions{Locked: true}); plugins.KindOf(err) != plugins.Stale {
		t.Errorf("Locked: %v", err)
	}
	t.Setenv("CI", "true")
	if o, err = plugins.DefaultOptions(); err != nil {
		t.Fatal(err)
	}
	if p, err = plugins.Open(manifest, o); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Sync(t.Context(), plugins.SyncOptions{}); plugins.KindOf(err) != plugins.Stale {
		t.Errorf("in CI: %v", err)
	}
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.Stat(b)
	if err != nil {
		t.Fatal(err)
	}
	return os.SameFile(x, y)
}

func writeManifest(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), plugins.ManifestName)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
