package export

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func lock() *lockfile.Lock {
	d := digest.FromString("x")
	at := func(os, arch, file string) lockfile.Platform {
		return lockfile.Platform{Platform: artifact.Platform{OS: os, Arch: arch}, Manifest: d, Layer: d, Size: 1, File: file}
	}
	return &lockfile.Lock{Plugins: []lockfile.Plugin{
		{Name: "edge", Version: "1.0.0", Repository: "registry.internal/edge", Tag: "1.0.0", Digest: d, Platforms: []lockfile.Platform{
			at("darwin", "arm64", "x.tar.gz"), at("linux", "amd64", `it's $(touch oops) "x".tar.gz`), at("linux", "arm64", "edge"),
		}},
		{Name: "other", Version: "2.0.0", Repository: "registry.internal/other", Tag: "2.0.0", Digest: d, Platforms: []lockfile.Platform{at("linux", "amd64", "other.tgz")}},
	}}
}

func TestDockerfile(t *testing.T) {
	text, err := Dockerfile(lock(), DockerfileOptions{Image: "example/manager:1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"FROM --platform=$BUILDPLATFORM " + FetchImage + " AS drivers\n",
		"linux/amd64)\n", "linux/arm64)\n",
		"echo 'the lock has no other for linux/arm64' >&2; exit 1\n",
		"\nFROM example/manager:1\nCOPY --from=drivers /drivers/out/ " + DriverFolder + "/\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if bytes.Contains(text, []byte("darwin")) {
		t.Error("an image for darwin")
	}
	l := lock()
	l.Plugins[1].Repository = "oci-layout:vendor/plugins/other"
	var layout *LayoutError
	if _, err := Dockerfile(l, DockerfileOptions{Image: "x"}); !errors.As(err, &layout) || layout.Plugin != "other" {
		t.Errorf("a driver from a folder: %v", err)
	}
}

// A lock is hostile input: what it names is a word to the shell and no more.
func TestQuote(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	for _, p := range lock().Plugins[0].Platforms {
		out, err := exec.Command(sh, "-c", "printf %s "+quote(p.File)).Output()
		if err != nil || string(out) != p.File {
			t.Errorf("%q becomes %q, %v", p.File, out, err)
		}
	}
}
