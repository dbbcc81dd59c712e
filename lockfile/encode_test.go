package lockfile_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

var update = flag.Bool("update", false, "write the golden files again")

// hash returns a digest that one can tell from others.
func hash(s string) digest.Digest { return digest.FromString(s) }

func build(name, platform, content string) lockfile.Platform {
	os, arch, _ := strings.Cut(platform, "/")
	p := artifact.Platform{OS: os, Arch: arch}
	return lockfile.Platform{
		Platform: p,
		Manifest: hash(content + platform + "manifest"),
		Layer:    hash(content + platform + "layer"),
		Size:     16856735,
		File:     p.Archive(name),
	}
}

// entry is a plugin of an index, for amd64 and arm64; content tells apart what
// was published.
func entry(name, version, content string) lockfile.Plugin {
	return lockfile.Plugin{
		Name: name, Version: version, Repository: "docker.io/schemahero/plugin-" + name, Tag: version, Digest: hash(content),
		Platforms: []lockfile.Platform{build(name, "linux/amd64", content), build(name, "linux/arm64", content)},
	}
}

// sample is a lock with every key, in an order that is not the file's.
func sample() *lockfile.Lock {
	postgres := entry("postgres", "0.1.2", "postgres")
	postgres.Aliases = []string{"pg", "cockroachdb"}
	postgres.Requires = map[string]string{"schemahero": ">=0.24", "other": "^1"}
	postgres.Signature = &lockfile.Signature{Issuer: "https://token.actions.githubusercontent.com", Identity: "https://github.com/schemahero/schemahero/.github/workflows/tagged-release.yaml@refs/heads/main"}
	postgres.Platforms[0].Executable = hash("executable")
	slices.Reverse(postgres.Platforms)

	tags := entry("timescaledb", "0.1.0-rc.1+build.7", "timescaledb")
	tags.Tag, tags.Digest = "", ""
	for i := range tags.Platforms {
		tags.Platforms[i].Tag = "0.1.0-rc.1_build.7-" + tags.Platforms[i].Platform.Suffix()
	}
	pinned := entry("edge", "", "edge")
	pinned.Tag, pinned.Repository = "", "oci-layout:vendor/plugins/edge"
	pinned.Signature = &lockfile.Signature{Key: hash("key").String()}
	return &lockfile.Lock{Plugins: []lockfile.Plugin{tags, postgres, pinned}}
}

func TestEncode(t *testing.T) {
	const golden = "../testdata/lock/canonical.lock"
	got := sample().Encode()
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEncodeEmpty(t *testing.T) {
	const want = "# Written by `kubectl schemahero plugin lock`. Commit it; do not edit it.\nversion = 1\n"
	if got := (&lockfile.Lock{}).Encode(); string(got) != want {
		t.Errorf("%q", got)
	}
	if lock, err := lockfile.Parse("X", []byte(want)); err != nil || len(lock.Plugins) != 0 {
		t.Errorf("%+v, %v", lock, err)
	}
}

func TestRoundTrip(t *testing.T) {
	lock := sample()
	text := lock.Encode()
	if !reflect.DeepEqual(lock, sample()) {
		t.Error("Encode changes the lock")
	}
	read, err := lockfile.Parse("X", text)
	if err != nil {
		t.Fatal(err)
	}
	lock.Sort()
	if !reflect.DeepEqual(read, lock) {
		t.Errorf("got\n%+v\nwant\n%+v", read, lock)
	}
	if again := read.Encode(); !bytes.Equal(again, text) {
		t.Errorf("written again as\n%s", again)
	}
}

// Two branches that add different plugins must merge: so each entry is written
// without regard to the others.
func TestEncodeIsLocal(t *testing.T) {
	lock := sample()
	text := string(lock.Encode())
	for i, p := range lock.Plugins {
		less := &lockfile.Lock{Plugins: slices.Delete(slices.Clone(lock.Plugins), i, i+1)}
		one := string((&lockfile.Lock{Plugins: []lockfile.Plugin{p}}).Encode())
		_, block, _ := strings.Cut(one, "\n\n")
		if got := strings.Replace(text, "\n"+block, "", 1); got != string(less.Encode()) {
			t.Errorf("without %s:\n%s", p.Name, got)
		}
	}
}

func TestEncodeStrings(t *testing.T) {
	p := entry("x", "0.1.2", "x")
	p.Repository = "oci-layout:\"a\\b\"\t\n\r\x00\x1b\u202e\U000e0001ä"
	got := string((&lockfile.Lock{Plugins: []lockfile.Plugin{p}}).Encode())
	want := `repository = "oci-layout:\"a\\b\"\t\n\r\u0000\u001B\u202E\U000E0001ä"` + "\n"
	if !strings.Contains(got, want) {
		t.Errorf("%s\nhas no %s", got, want)
	}
	p.Requires = map[string]string{"a.b \"": "*"}
	got = string((&lockfile.Lock{Plugins: []lockfile.Plugin{p}}).Encode())
	if want := `requires = { "a.b \"" = "*" }`; !strings.Contains(got, want) {
		t.Errorf("%s\nhas no %s", got, want)
	}
}

func TestLookup(t *testing.T) {
	lock := sample()
	p, ok := lock.Plugin("postgres")
	if !ok || p != &lock.Plugins[1] {
		t.Fatalf("Plugin(postgres) = %p, %v", p, ok)
	}
	if q, ok := p.Platform(artifact.Platform{OS: "linux", Arch: "arm64"}); !ok || q.File != "schemahero-postgres-linux-arm64.tar.gz" {
		t.Errorf("Platform = %+v, %v", q, ok)
	}
	if q, ok := p.Platform(artifact.Platform{OS: "plan9", Arch: "386"}); ok {
		t.Errorf("Platform = %+v", q)
	}
	if p, ok := lock.Plugin("mysql"); ok {
		t.Errorf("Plugin(mysql) = %+v", p)
	}
	if p, ok := (*lockfile.Lock)(nil).Plugin("postgres"); ok {
		t.Errorf("no lock has %+v", p)
	}
}

// Entries are changed side by side, while others are looked for: make race tells.
func TestPluginIsFoundWhileOthersChange(t *testing.T) {
	lock := &lockfile.Lock{}
	for i := range 64 {
		lock.Plugins = append(lock.Plugins, lockfile.Plugin{Name: fmt.Sprintf("p%02d", i)})
	}
	var wg sync.WaitGroup
	for i := range lock.Plugins {
		wg.Go(func() {
			name := fmt.Sprintf("p%02d", i)
			if p, ok := lock.Plugin(name); !ok || p.Name != name {
				t.Errorf("%s was not found", name)
			} else {
				p.Signature = &lockfile.Signature{}
			}
		})
	}
	wg.Wait()
}

func TestCloneAndEqual(t *testing.T) {
	lock := sample()
	clone := lock.Clone()
	p, q := &lock.Plugins[1], &clone.Plugins[1]
	if !reflect.DeepEqual(lock, clone) || !p.Equal(q) {
		t.Fatal("a clone differs")
	}
	q.Aliases[0], q.Requires["other"], q.Platforms[0].Size, q.Signature.Issuer = "x", "^2", 1, "x"
	if !reflect.DeepEqual(lock, sample()) {
		t.Error("a clone shares what it holds")
	}
	for i := range reflect.TypeFor[lockfile.Plugin]().NumField() { // one that is added too
		q = &lock.Clone().Plugins[1]
		switch f := reflect.ValueOf(q).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		default:
			f.SetZero()
		}
		if p.Equal(q) || q.Equal(p) {
			t.Errorf("%s does not count", reflect.TypeOf(*q).Field(i).Name)
		}
	}
	q = &lock.Clone().Plugins[1]
	slices.Reverse(q.Platforms)
	slices.Reverse(q.Aliases)
	if !p.Equal(q) {
		t.Error("order counts")
	}
}
