package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// makeImage makes an image in a folder of its own and returns its files.
func makeImage(t *testing.T, touched time.Time) (whole []byte, files map[string][]byte) {
	t.Helper()
	dir := t.TempDir()
	built := filepath.Join(dir, "built")
	if err := os.WriteFile(built, []byte("the program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(built, touched, touched); err != nil {
		t.Fatal(err)
	}
	r := release{version: "1.2.3", revision: "c0ffee", time: time.Unix(1_700_000_000, 0).UTC(), platforms: platforms(), out: filepath.Join(dir, "dist"), program: built}
	if err := r.image(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(r.out, program+"_image.tar"))
	if err != nil {
		t.Fatal(err)
	}
	return whole, untar(t, bytes.NewReader(whole), nil)
}

// untar reads the files of a tar, and tells what each entry is like.
func untar(t *testing.T, from io.Reader, each func(*tar.Header)) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if each != nil {
			each(h)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestImageDependsOnNothingElse(t *testing.T) {
	one, _ := makeImage(t, time.Unix(1, 0))
	if two, _ := makeImage(t, time.Unix(2, 0)); !bytes.Equal(one, two) {
		t.Error("two runs give other bytes")
	}
}

// The image is what the Dockerfile makes.
func TestImage(t *testing.T) {
	_, files := makeImage(t, time.Now())
	blob := func(d ocispec.Descriptor, into any) []byte {
		t.Helper()
		data := files["blobs/sha256/"+d.Digest.Encoded()]
		if digest.FromBytes(data) != d.Digest || int64(len(data)) != d.Size {
			t.Fatalf("%s: is not what lies there", d.Digest)
		}
		if into != nil {
			if err := json.Unmarshal(data, into); err != nil {
				t.Fatal(err)
			}
		}
		return data
	}
	var top, index ocispec.Index
	if err := json.Unmarshal(files["index.json"], &top); err != nil {
		t.Fatal(err)
	}
	if len(top.Manifests) != 1 || top.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "1.2.3" {
		t.Fatalf("index.json: %s", files["index.json"])
	}
	blob(top.Manifests[0], &index)
	dockerfile, err := os.ReadFile(filepath.Join("..", "..", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, m := range index.Manifests {
		platforms = append(platforms, m.Platform.OS+"/"+m.Platform.Architecture)
		var manifest ocispec.Manifest
		var config ocispec.Image
		blob(m, &manifest)
		blob(manifest.Config, &config)
		entrypoint, err := json.Marshal(config.Config.Entrypoint)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"USER " + config.Config.User, "ENV " + config.Config.Env[0], "ENV " + config.Config.Env[1], "WORKDIR " + config.Config.WorkingDir,
			"ENTRYPOINT " + string(entrypoint), `CMD ["` + strings.Join(config.Config.Cmd, `", "`) + `"]`,
		} {
			if !strings.Contains(string(dockerfile), "\n"+want+"\n") {
				t.Errorf("the Dockerfile lacks %s", want)
			}
		}
		if config.Architecture != m.Platform.Architecture || config.Config.User != "1001:1001" || config.Config.Labels["org.opencontainers.image.revision"] != "c0ffee" {
			t.Errorf("config %+v", config)
		}
		z, err := gzip.NewReader(bytes.NewReader(blob(manifest.Layers[0], nil)))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if len(config.RootFS.DiffIDs) != 1 || config.RootFS.DiffIDs[0] != digest.FromBytes(plain) {
			t.Errorf("diff ids %v", config.RootFS.DiffIDs)
		}
		like := map[string]string{}
		held := untar(t, bytes.NewReader(plain), func(h *tar.Header) { like[h.Name] = fmt.Sprintf("%s %d", h.FileInfo().Mode(), h.Uid) })
		for name, want := range map[string]string{
			"usr/local/bin/" + program: "-rwxr-xr-x 0", "etc/ssl/certs/ca-certificates.crt": "-rw-r--r-- 0", "tmp/": "dtrwxrwxrwx 0",
			"home/": "drwxr-xr-x 0", "home/schemahero/": "drwxr-xr-x 1001", "plugins/": "drwxr-xr-x 1001", "project/": "drwxr-xr-x 1001",
		} {
			if like[name] != want {
				t.Errorf("%s: is %s, want %s", name, like[name], want)
			}
		}
		if n := bytes.Count(held["etc/ssl/certs/ca-certificates.crt"], []byte("BEGIN CERTIFICATE")); n < 100 {
			t.Errorf("%d certificate authorities", n)
		}
	}
	if got := strings.Join(platforms, " "); got != "linux/amd64 linux/arm64" {
		t.Errorf("platforms %s", got)
	}
}
