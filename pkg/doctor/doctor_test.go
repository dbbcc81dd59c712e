package doctor

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

// place is a folder with nothing in it, and a home that is not there yet.
func place(t *testing.T) (dir string, o Options) {
	t.Helper()
	dir = t.TempDir()
	linux := artifact.Platform{OS: "linux", Arch: "amd64"}
	return dir, Options{
		Project:    project.Open(filepath.Join(dir, project.ManifestName), project.Options{Home: filepath.Join(dir, "home"), Platform: linux}),
		Platform:   linux,
		SearchPath: install.SearchPath(dir, filepath.Join(dir, "user"), ""),
		LookPath:   func(string) string { return "" },
		Now:        time.Now,
	}
}

func examine(t *testing.T, o Options) []Finding {
	t.Helper()
	found, err := Examine(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func has(found []Finding, code Code, state State, subject string) bool {
	return slices.ContainsFunc(found, func(f Finding) bool { return f.Code == code && f.State == state && f.Subject == subject })
}

func TestNothingThere(t *testing.T) {
	dir, o := place(t)
	found := examine(t, o)
	for _, want := range []Finding{
		{Code: HomeMissing, State: OK, Subject: filepath.Join(dir, "home")},
		{Code: HostMissing, State: Advice, Subject: "kubectl-schemahero"},
		{Code: NoManifest, State: Advice, Subject: filepath.Join(dir, project.ManifestName)},
	} {
		if !has(found, want.Code, want.State, want.Subject) {
			t.Errorf("lacks %+v: %+v", want, found)
		}
	}
	if len(found) != 3 {
		t.Errorf("%+v", found)
	}
	o.LookPath = func(name string) string { return "/bin/" + name }
	if found := examine(t, o); !has(found, HostFound, OK, "/bin/kubectl-schemahero") {
		t.Errorf("%+v", found)
	}
}

// Files that others put where the host looks are advice as long as no lock names
// them, each with what it is.
func TestForeignDrivers(t *testing.T) {
	dir, o := place(t)
	here, below := filepath.Join(dir, "schemahero-mysql"), filepath.Join(dir, "plugins", "bin", "schemahero-postgres")
	for _, file := range []string{here, below} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	found := examine(t, o)
	if !has(found, DriverUnstarted, Advice, here) || !has(found, DriverForeign, Advice, below) {
		t.Errorf("%+v", found)
	}
	for _, f := range found {
		if f.State == Problem {
			t.Errorf("a problem of nobody's lock: %+v", f)
		}
	}
}

func TestHostsOf(t *testing.T) {
	got := hostsOf([]string{"a.io/x/y", "b.io:5000/z", "a.io/w", "oci-layout:v/p", ""})
	if want := []string{"a.io", "b.io:5000"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
