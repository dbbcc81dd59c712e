package publish_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

func TestLint(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte, mode os.FileMode) string {
		return write(t, filepath.Join(dir, name), data, mode)
	}
	at := dir + string(filepath.Separator)
	only := func(p artifact.Platform, file string) func(*publish.Release) {
		return func(r *publish.Release) { r.Files = map[artifact.Platform]string{p: file} }
	}
	darwin := artifact.Platform{OS: "darwin", Arch: "arm64"}
	for name, tt := range map[string]struct {
		change func(*publish.Release)
		want   string // every problem, one a line
		force  bool   // whether force passes over it
	}{
		"name":            {func(r *publish.Release) { r.Name = "Postgres" }, `name "Postgres": a driver's name has only a-z, 0-9 and -, and begins with a letter or digit`, false},
		"engine":          {func(r *publish.Release) { r.Name = "mariadb" }, `name "mariadb": is an engine that the driver mysql serves`, false},
		"version":         {func(r *publish.Release) { r.Version = "0.1" }, `version "0.1": is not X.Y.Z[-pre][+build]`, false},
		"as a platform":   {func(r *publish.Release) { r.Version = "1.0.0-linux-amd64" }, `version "1.0.0-linux-amd64": its tag 1.0.0-linux-amd64 would be read as another version's, or is none`, false},
		"long":            {func(r *publish.Release) { r.Version = "1.0.0+" + strings.Repeat("b", 120) }, `version "1.0.0+` + strings.Repeat("b", 120) + `": its tag 1.0.0_` + strings.Repeat("b", 120) + `-linux-amd64 would be read as another version's, or is none`, false},
		"created":         {func(r *publish.Release) { r.Created = time.Time{} }, "created: is not set", false},
		"host":            {func(r *publish.Release) { r.HostConstraint = "newest" }, `host constraint: "newest" is not a version constraint`, false},
		"requires":        {func(r *publish.Release) { r.Requires = map[string]string{"mysql": "", "postgres": "^1", "A b": "^1"} }, "name \"A b\": a driver's name has only a-z, 0-9 and -, and begins with a letter or digit\nrequires mysql: \"\" is not a version constraint\nrequires postgres: is the driver itself", false},
		"requires engine": {func(r *publish.Release) { r.Requires = map[string]string{"mariadb": "^1"} }, "requires mariadb: is an engine that the driver mysql serves", false},
		"requires host":   {func(r *publish.Release) { r.Requires = map[string]string{"schemahero": "^1"} }, "requires schemahero: is the host, whose constraint stands by itself", false},
		"annotations":     {func(r *publish.Release) { r.Annotations = map[string]string{"org.opencontainers.image.version": "2"} }, "annotation org.opencontainers.image.version: is written from the release itself", false},
		"no files":        {func(r *publish.Release) { r.Files = nil }, "platforms: there is no file for any", false},
		"missing":         {only(amd64, at+"none"), at + "none: does not exist", false},
		"folder":          {only(amd64, dir), dir + ": is not a regular file", false},
		"empty":           {only(amd64, file("empty", nil, 0o755)), at + "empty: is empty", false},
		"other machine":   {only(amd64, file("arm", elf("arm64", ""), 0o755)), at + "arm: is for linux/arm64, not for linux/amd64", false},
		"other system":    {only(darwin, file("elf", elf("arm64", ""), 0o755)), at + "elf: is for linux/arm64, not for darwin/arm64", false},
		"not executable":  {only(amd64, file("mode", elf("amd64", ""), 0o644)), at + "mode: is not executable", true},
		"script":          {only(amd64, file("sh", []byte("#!/bin/sh\n"), 0o755)), at + "sh: is in no known format of executables", true},
		"all at once": {func(r *publish.Release) {
			r.Version, r.HostConstraint = "1", "new"
			r.Files = map[artifact.Platform]string{amd64: at + "none", arm64: file("both", []byte("#!"), 0o600)}
		}, "version \"1\": is not X.Y.Z[-pre][+build]\nhost constraint: \"new\" is not a version constraint\n" + at + "none: does not exist\n" + at + "both: is not executable\n" + at + "both: is in no known format of executables", false},
	} {
		if strings.Contains(tt.want, "not executable") && runtime.GOOS == "windows" {
			continue // it has no modes
		}
		t.Run(name, func(t *testing.T) {
			r := release(t, "1.0.0", "text")
			tt.change(&r)
			m := newMemory("r.example/postgres")
			_, err := publish.Push(t.Context(), m, r, publish.Options{Temp: t.TempDir()})
			var lint *publish.LintError
			if !errors.As(err, &lint) || err.Error() != tt.want {
				t.Fatalf("error\n%v\nwant\n%s", err, tt.want)
			}
			if len(m.requests) != 0 {
				t.Errorf("asked the registry: %v", m.requests)
			}
			report, err := publish.Push(t.Context(), m, r, publish.Options{Temp: t.TempDir(), Force: true})
			if got := err == nil; got != tt.force || got != lint.Forcible() {
				t.Errorf("by force: %v, Forcible is %v", err, lint.Forcible())
			}
			if tt.force && len(report.Ignored) != len(lint.Problems) {
				t.Errorf("by force: report does not say what was ignored: %+v", report.Ignored)
			}
		})
	}
}

func TestDryRun(t *testing.T) {
	r := release(t, "1.0.0", "text")
	dry := publish.Options{Temp: t.TempDir(), DryRun: true}
	offline, err := publish.Push(t.Context(), nil, r, dry)
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory("r.example/postgres")
	report, err := publish.Push(t.Context(), m, r, dry)
	if err != nil {
		t.Fatal(err)
	}
	if w := m.writes(); len(w) != 0 {
		t.Errorf("a dry run sent %v", w)
	}
	real := push(t, m, r)
	if offline.Digest != real.Digest || report.Digest != real.Digest || !report.DryRun || len(report.Tags) != len(real.Tags) || len(offline.Tags) != 6 {
		t.Errorf("a dry run says %+v,\nwithout a registry %+v,\nthe push %+v", report, offline, real)
	}
	// It refuses what the push would refuse.
	var published *publish.PublishedError
	if _, err := publish.Push(t.Context(), m, release(t, "1.0.0", "other"), dry); !errors.As(err, &published) {
		t.Errorf("of other content: %v", err)
	}
	// A proposed change is checked without credentials.
	m.denied = true
	if report, err = publish.Push(t.Context(), m, r, dry); err != nil || !report.Unread || report.Kept || report.Digest != real.Digest {
		t.Errorf("where reading is denied: %+v, %v", report, err)
	}
	if _, err := publish.Push(t.Context(), m, r, publish.Options{Temp: t.TempDir()}); !errors.Is(err, artifact.ErrDenied) {
		t.Errorf("a push where reading is denied: %v", err)
	}
}
