package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is that of SchemaHero's own images: what it writes, they can read.
const user = 1001

// blob is one file of the layout's blobs.
type blob struct {
	desc ocispec.Descriptor
	path string // of a layer
	data []byte
}

// image writes the container image that the Dockerfile describes, without docker:
// an OCI image layout in a tar, with an index over the linux platforms. Like the
// archives it depends on the commit and the version of Go alone; the certificate
// authorities are Mozilla's, of the module that hack/go.mod names.
func (r release) image() error {
	work, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	authorities := filepath.Join(work, "ca-certificates.crt")
	if err := os.WriteFile(authorities, roots(), 0o644); err != nil {
		return err
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	var blobs []blob
	for _, platform := range r.platforms {
		goos, goarch, _ := strings.Cut(platform, "/")
		if goos != "linux" {
			continue
		}
		parts, err := r.imageFor(goarch, work, authorities)
		if err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
		blobs = append(blobs, parts...)
		manifest := parts[len(parts)-1].desc
		manifest.Platform = &ocispec.Platform{OS: goos, Architecture: goarch}
		index.Manifests = append(index.Manifests, manifest)
	}
	whole, err := document(index, index.MediaType)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	to := filepath.Join(r.out, program+"_image.tar")
	if err := r.layout(to, whole, append(blobs, whole)); err != nil {
		return err
	}
	fmt.Println(to)
	fmt.Println(whole.desc.Digest)
	return nil
}

// imageFor makes the image for an architecture: its layer, config and manifest.
func (r release) imageFor(goarch, work, authorities string) ([]blob, error) {
	built := r.program
	if built == "" {
		built = filepath.Join(work, goarch)
		if err := r.build("linux", goarch, built); err != nil {
			return nil, err
		}
	}
	layer := blob{path: filepath.Join(work, goarch+".tar.gz")}
	folder := func(name string, mode int64, owner int) entry {
		return entry{name: name + "/", mode: mode, owner: owner}
	}
	diffID, err := pack(layer.path, r.time,
		folder("etc", 0o755, 0), folder("etc/ssl", 0o755, 0), folder("etc/ssl/certs", 0o755, 0),
		entry{name: "etc/ssl/certs/ca-certificates.crt", path: authorities, mode: 0o644},
		folder("home", 0o755, 0), folder("home/schemahero", 0o755, user),
		folder("plugins", 0o755, user), folder("project", 0o755, user), folder("tmp", 0o1777, 0),
		folder("usr", 0o755, 0), folder("usr/local", 0o755, 0), folder("usr/local/bin", 0o755, 0),
		entry{name: "usr/local/bin/" + program, path: built, mode: 0o755},
	)
	if err != nil {
		return nil, err
	}
	hex, err := sum(layer.path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(layer.path)
	if err != nil {
		return nil, err
	}
	layer.desc = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.NewDigestFromEncoded(digest.SHA256, hex), Size: info.Size()}
	labels := map[string]string{ocispec.AnnotationVersion: r.version, ocispec.AnnotationSource: home}
	if r.revision != "" {
		labels[ocispec.AnnotationRevision] = r.revision
	}
	config, err := document(ocispec.Image{
		Created: &r.time, Platform: ocispec.Platform{OS: "linux", Architecture: goarch},
		Config: ocispec.ImageConfig{
			User: fmt.Sprintf("%d:%d", user, user), Env: []string{"HOME=/home/schemahero", "PATH=/usr/local/bin"}, WorkingDir: "/project",
			Entrypoint: []string{"/usr/local/bin/" + program}, Cmd: []string{"sync", "--locked", "--dir", "/plugins"}, Labels: labels,
		},
		RootFS:  ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{diffID}},
		History: []ocispec.History{{Created: &r.time, CreatedBy: "make image"}},
	}, ocispec.MediaTypeImageConfig)
	if err != nil {
		return nil, err
	}
	manifest, err := document(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config.desc, Layers: []ocispec.Descriptor{layer.desc},
	}, ocispec.MediaTypeImageManifest)
	return []blob{layer, config, manifest}, err
}

func document(v any, mediaType string) (blob, error) {
	data, err := json.Marshal(v)
	return blob{desc: ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}, data: data}, err
}

// roots are the authorities that Mozilla trusts without a condition, which a file
// cannot express.
func roots() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes all
		}
	}
	return b.Bytes()
}

// layout writes an OCI image layout whose index.json names one document, by the
// version too.
func (r release) layout(to string, named blob, blobs []blob) error {
	top := named.desc
	top.Annotations = map[string]string{ocispec.AnnotationRefName: r.version}
	index, err := json.Marshal(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{top},
	})
	if err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	t := tar.NewWriter(f)
	write := func(name string, size int64, content io.Reader) error {
		err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: r.time, Format: tar.FormatUSTAR})
		if err == nil {
			_, err = io.Copy(t, content)
		}
		return err
	}
	marker := []byte(`{"imageLayoutVersion":"` + ocispec.ImageLayoutVersion + `"}`)
	err = errors.Join(
		write(ocispec.ImageLayoutFile, int64(len(marker)), bytes.NewReader(marker)),
		write(ocispec.ImageIndexFile, int64(len(index)), bytes.NewReader(index)),
	)
	for _, b := range blobs {
		var content io.Reader = bytes.NewReader(b.data)
		if b.path != "" {
			layer, openErr := os.Open(b.path)
			if openErr != nil {
				return errors.Join(openErr, f.Close())
			}
			defer layer.Close()
			content = layer
		}
		err = errors.Join(err, write("blobs/sha256/"+b.desc.Digest.Encoded(), b.desc.Size, content))
	}
	return errors.Join(err, t.Close(), f.Close())
}
