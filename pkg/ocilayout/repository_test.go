package ocilayout

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

const (
	postgresRepo = "docker.io/schemahero/plugin-postgres"
	edgeRepo     = "ghcr.io/acme/schemahero-edge"
)

// A link out of a layout leads nowhere, and a pipe is not waited for.
func TestLayoutLinks(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, []byte("s3cret"))
	f := newFiles()
	dir := f.folder(t, t.TempDir())
	desc := ocispec.Descriptor{Digest: digest.FromString("s3cret"), Size: 6}
	link := filepath.Join(dir, "blobs", "sha256", desc.Digest.Encoded())
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, link); err != nil {
		t.Skip(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Blob(context.Background(), desc)
	wantError[*Error](t, err)
	circle := ocispec.Descriptor{Digest: digest.FromString("circle"), Size: 6}
	name := circle.Digest.Encoded()
	if err := os.Symlink(name, filepath.Join(filepath.Dir(link), name)); err != nil {
		t.Fatal(err)
	}
	_, err = s.Blob(context.Background(), circle)
	wantError[*Error](t, err)
	for _, name := range []string{ocispec.ImageIndexFile, LockFile} {
		dir := newFiles().folder(t, t.TempDir())
		os.Remove(filepath.Join(dir, name))
		if err := os.Symlink(secret, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		wantError[*Error](t, err)
	}
}

func TestLayoutAsRegistry(t *testing.T) {
	base := t.TempDir()
	f, _ := bundled()
	f.manifest("edge-db", nil, "edge-db-3.0.0", AnnotationRepository, "ghcr.io/acme/schemahero-edge-db")
	f.folder(t, filepath.Join(base, "vendor", "plugins"))
	generic := newFiles()
	generic.manifest("one", nil, "1.0.0")
	generic.manifest("two", nil, "latest")
	generic.folder(t, filepath.Join(base, "generic"))
	if err := os.MkdirAll(filepath.Join(base, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(base, "bundle.tar"), f.tar(t))
	opener := &Opener{BaseDir: base}
	t.Cleanup(func() {
		for _, l := range opener.layouts {
			l.Close()
		}
	})
	repository := func(ref string) *Repository {
		t.Helper()
		r, err := opener.Repository(ref)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for ref, want := range map[string][]string{
		"oci-layout:vendor/plugins/postgres":                 {"0.1.2", "0.1.2-linux-amd64", "0.1.2-linux-arm64"},
		"oci-layout:./vendor/plugins/edge-db":                {"3.0.0"},
		"oci-layout:" + filepath.Join(base, "generic"):       {"1.0.0", "latest"},
		"oci-layout:generic/postgres":                        {"1.0.0", "latest"},
		"oci-layout:bundle.tar/postgres":                     {"0.1.2", "0.1.2-linux-amd64", "0.1.2-linux-arm64"},
		"oci-layout:vendor/plugins/mysql":                    nil, // NotFound: the next registry's turn
		"oci-layout:bundle.tar/" + "no-such-driver-anywhere": nil,
	} {
		repo := repository(ref)
		tags, err := allTags(repo)
		if !slices.Equal(tags, want) || (err == nil) == (want == nil) || repo.Name() != ref {
			t.Errorf("%s: %v %v", ref, tags, err)
		}
		if want == nil && !errors.Is(err, artifact.ErrNotFound) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	edge, err := allTags(repository("oci-layout:vendor/plugins/edge"))
	if err != nil || len(edge) != 2 || edge[0] != "v1.0.0_b1" {
		t.Errorf("edge: %v %v", edge, err)
	}
	for _, ref := range []string{"oci-layout:none/postgres", "oci-layout:empty/postgres", "oci-layout:empty"} {
		_, err := repository(ref).Resolve(context.Background(), "1.0.0")
		if strings.Contains(ref, "none") {
			wantError[*NoLayoutError](t, err)
		} else {
			wantError[*Error](t, err)
		}
		if errors.Is(err, artifact.ErrNotFound) {
			t.Errorf("%s is passed over", ref)
		}
	}
	if _, err := opener.Repository("oci-layout:"); err == nil {
		t.Error("no folder is taken")
	}
}
