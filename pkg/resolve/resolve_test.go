package resolve

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestHighestVersion(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.1.2", "0.1.10", "0.2.0", "1.0.0-rc.1", "v0.1.3")
	r.repo(official + "/postgres").tags["latest"] = r.repo(official + "/postgres").tags["0.2.0"]
	r.repo(official + "/postgres").tags["0.1"] = r.repo(official + "/postgres").tags["0.1.10"]
	for constraint, want := range map[string]string{
		"^0.1":              "postgres 0.1.10",
		"~0.1.0":            "postgres 0.1.10",
		"*":                 "postgres 0.2.0",
		">=0.1, <0.1.10":    "postgres 0.1.3",
		"0.1.0":             "postgres 0.1.0",
		">=1.0.0-0":         "postgres 1.0.0-rc.1",
		"0.1.0 || 0.1.2":    "postgres 0.1.2",
		"0.1.x, != 0.1.10":  "postgres 0.1.3",
		"0.1.0 - 0.1.2":     "postgres 0.1.2",
		">0.1.10":           "postgres 0.2.0",
		"<0.2.0, >=0.1.2-0": "postgres 0.1.10",
	} {
		result := r.lock(fmt.Sprintf("[plugins]\npostgres = %q\n", constraint), Options{})
		if got := versions(result.Lock); got != want {
			t.Errorf("%s: got %s, want %s", constraint, got, want)
		}
	}
}

func TestPrerelease(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.2.0-beta.1", "0.2.0-beta.2")
	result := r.lock(`[plugins]`+"\n"+`postgres = { version = ">=0.1", prerelease = true }`, Options{})
	if got := versions(result.Lock); got != "postgres 0.2.0-beta.2" {
		t.Errorf("got %s", got)
	}
}

func TestEqualPrecedence(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "1.0.0", "1.0.0_build.2", "1.0.0_build.10", "v1.0.0_zulu")
	result := r.lock("[plugins]\npostgres = \"^1\"\n", Options{})
	if p := result.Lock.Plugins[0]; p.Version != "1.0.0+build.2" || p.Tag != "1.0.0_build.2" {
		t.Errorf("got %s, tag %s", p.Version, p.Tag)
	}
}

// TestLayouts locks each layout and checks what the lock says of it.
func TestLayouts(t *testing.T) {
	r := newRegistries(t)
	r.repo(official+"/index").index("1.0.0", release{})
	r.repo(official+"/files").files("1.0.0", release{sum: true})
	r.repo(official+"/tags").platformTags("1.0.0", release{})
	bare := r.repo(official + "/bare")
	bare.platformTags("1.0.0", release{})
	bare.tags["1.0.0"] = bare.tags["1.0.0-linux-amd64"]

	result := r.lock("platforms = [\"linux/arm64\", \"linux/amd64\"]\n[plugins]\nindex = \"*\"\nfiles = \"*\"\ntags = \"*\"\nbare = \"*\"\n", Options{})
	for name, want := range map[string]string{
		"index": "tag 1.0.0 digest true: linux/amd64 linux/arm64",
		"files": "tag 1.0.0 digest true: linux/amd64 linux/arm64",
		"tags":  "tag  digest false: linux/amd64 1.0.0-linux-amd64 linux/arm64 1.0.0-linux-arm64",
		"bare":  "tag 1.0.0 digest true: linux/amd64 1.0.0-linux-amd64 linux/arm64 1.0.0-linux-arm64",
	} {
		p, ok := result.Lock.Plugin(name)
		if !ok {
			t.Fatalf("%s is not locked", name)
		}
		got := fmt.Sprintf("tag %s digest %t:", p.Tag, p.Digest != "")
		for _, q := range p.Platforms {
			got = strings.TrimSpace(got + " " + q.Platform.String() + " " + q.Tag)
			if q.File != q.Platform.Archive(name) || q.Size == 0 || q.Layer == "" || q.Manifest == "" {
				t.Errorf("%s: incomplete: %+v", name, q)
			}
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := r.count("blob "); got != 2 {
		t.Errorf("%d blobs read, want the two checksums of the files layout", got)
	}
}

func TestAllPlatformsWhereNoneIsDeclared(t *testing.T) {
	r := newRegistries(t)
	r.repo(official+"/mysql").index("1.0.0", release{platforms: "linux/amd64 darwin/arm64 windows/amd64"})
	result := r.lock("[plugins]\nmysql = \"*\"\n", Options{})
	if got := len(result.Lock.Plugins[0].Platforms); got != 3 {
		t.Errorf("%d platforms locked, want 3", got)
	}
}

func TestPlatformComplete(t *testing.T) {
	r := newRegistries(t)
	repo := r.repo(official + "/postgres")
	repo.index("0.1.0", release{})
	repo.index("0.1.1", release{platforms: "linux/amd64"})
	repo.platformTags("0.1.2", release{platforms: "linux/amd64 darwin/arm64"})
	result := r.lock("platforms = [\"linux/amd64\", \"linux/arm64\"]\n[plugins]\npostgres = \"^0.1\"\n", Options{})
	if got := versions(result.Lock); got != "postgres 0.1.0" {
		t.Errorf("got %s", got)
	}
	check(t, "skipped", texts(result.Skipped), []string{
		"postgres 0.1.2: offers no linux/arm64",
		"postgres 0.1.1: offers no linux/arm64",
	})
	if n := r.count("manifest " + official + "/postgres:0.1.2"); n != 0 {
		t.Errorf("%d manifests read of a version whose tags tell enough", n)
	}
}

func TestPlatformError(t *testing.T) {
	r := newRegistries(t)
	r.repo(official+"/postgres").index("0.1.0", release{platforms: "linux/amd64"})
	r.repo(official+"/postgres").index("0.1.1", release{platforms: "linux/amd64 darwin/arm64"})
	r.publish("mysql", "1.0.0")
	_, err := r.resolve(Options{Manifest: parse(t, "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[plugins]\npostgres = \"^0.1\"\nmysql = \"*\"\n")})
	var e *PlatformError
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	if e.Version != "0.1.1" || artifact.JoinPlatforms(e.Missing) != "linux/arm64" || artifact.JoinPlatforms(e.Offered) != "darwin/arm64, linux/amd64" || e.Tried != 2 {
		t.Errorf("got %+v", e)
	}
	want := "postgres: none of the 2 versions that ^0.1 (schemahero-plugins.toml:4) admits offers all platforms: the newest, 0.1.1, has no linux/arm64, only darwin/arm64, linux/amd64"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}
