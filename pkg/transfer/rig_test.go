package transfer

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	ours "github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// world is a registry, a client, and the lock of what was published.
type world struct {
	*registrytest.Registry
	t      testing.TB
	client *ours.Client
	lock   lockfile.Lock
	layers string // what layers begin with
}

func newWorld(t testing.TB, referrers bool) *world {
	w := &world{t: t, Registry: registrytest.New(t)}
	w.Inner = registrytest.Memory(referrers)
	w.forget()
	return w
}

// refuse answers requests whose "METHOD PATH" contains a text with a status.
func (w *world) refuse(status int, text string) {
	w.SetFault(func(_ int, rw http.ResponseWriter, req *http.Request) bool {
		found := strings.Contains(req.Method+" "+req.URL.Path, text)
		if found {
			http.Error(rw, `{"errors":[{"code":"DENIED"}]}`, status)
		}
		return found
	})
}

// forget makes the client a new one, which remembers nothing.
func (w *world) forget() {
	w.t.Helper()
	client, err := ours.New(ours.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { client.Close() })
	w.client = client
}

func (w *world) repo(path string) ours.Target {
	w.t.Helper()
	r, err := w.client.Target(w.Host() + "/" + path)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) blob(r ours.Target, data, mediaType, title string) ocispec.Descriptor {
	w.t.Helper()
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromString(data), Size: int64(len(data))}
	err := r.PushBlob(context.Background(), d, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(data)), nil })
	if err != nil {
		w.t.Fatal(err)
	}
	if title != "" {
		d.Annotations = map[string]string{ocispec.AnnotationTitle: title}
	}
	return d
}

func (w *world) push(r ours.Target, mediaType string, v any, tags ...string) ocispec.Descriptor {
	w.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		w.t.Fatal(err)
	}
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if err := r.PushManifest(context.Background(), d, data, tags...); err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) manifest(r ours.Target, layers []ocispec.Descriptor, subject *ocispec.Descriptor, tags ...string) ocispec.Descriptor {
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifact.TypeSingle, Config: w.blob(r, "{}", ocispec.MediaTypeEmptyJSON, ""), Layers: layers, Subject: subject}
	m.SchemaVersion = 2
	return w.push(r, m.MediaType, m, tags...)
}

func platforms() []artifact.Platform {
	return []artifact.Platform{{OS: "darwin", Arch: "arm64"}, {OS: "linux", Arch: "amd64"}}
}

// layer is a platform's archive.
func (w *world) layer(r ours.Target, name string, p artifact.Platform) ocispec.Descriptor {
	return w.blob(r, fmt.Sprintf("%s%s for %s %s", w.layers, name, p, strings.Repeat("x", 5000)), "application/gzip", p.Archive(name))
}

func locked(p artifact.Platform, tag string, manifest, layer ocispec.Descriptor) lockfile.Platform {
	return lockfile.Platform{Platform: p, Tag: tag, Manifest: manifest.Digest, Layer: layer.Digest, Size: layer.Size, File: layer.Annotations[ocispec.AnnotationTitle]}
}

// index publishes a driver in the index layout, signed in every way, and with a
// layer that bears an index's media type.
func (w *world) index(name, version string) {
	r := w.repo("plugins/" + name)
	var index ocispec.Index
	index.SchemaVersion, index.MediaType = 2, ocispec.MediaTypeImageIndex
	entry := lockfile.Plugin{Name: name, Version: version, Tag: version, Repository: r.Name()}
	for _, p := range platforms() {
		layer := w.layer(r, name, p)
		m := w.manifest(r, []ocispec.Descriptor{layer, w.blob(r, "[]", ocispec.MediaTypeImageIndex, "index.json")}, nil)
		m.Platform = &ocispec.Platform{OS: p.OS, Architecture: p.Arch}
		index.Manifests = append(index.Manifests, m)
		entry.Platforms = append(entry.Platforms, locked(p, "", m, layer))
	}
	root := w.push(r, index.MediaType, index, version)
	entry.Digest = root.Digest
	signature := w.manifest(r, []ocispec.Descriptor{w.blob(r, "signature of "+name, "application/x", "")}, &root)
	w.manifest(r, []ocispec.Descriptor{w.blob(r, "time of "+name, "application/x", "")}, &signature)
	hex := root.Digest.Encoded()
	w.manifest(r, []ocispec.Descriptor{w.blob(r, "old signature of "+name, "application/x", "")}, nil, "sha256-"+hex+".sig")
	w.manifest(r, []ocispec.Descriptor{w.blob(r, "sbom of "+name, "application/x", "")}, nil, "sha256-"+hex+".sbom")
	w.lock.Plugins = append(w.lock.Plugins, entry)
}

// tags publishes a driver in the tags layout, without a bare tag.
func (w *world) tags(name, version string) {
	r := w.repo("plugins/" + name)
	entry := lockfile.Plugin{Name: name, Version: version, Repository: r.Name()}
	for _, p := range platforms() {
		layer := w.blob(r, name+" for "+p.String()+" "+version, "application/gzip", p.Archive(name))
		tag := version + "-" + p.Suffix()
		entry.Platforms = append(entry.Platforms, locked(p, tag, w.manifest(r, []ocispec.Descriptor{layer}, nil, tag), layer))
	}
	w.lock.Plugins = append(w.lock.Plugins, entry)
}

// files publishes a driver in the files layout.
func (w *world) files(name, version string) {
	r := w.repo("plugins/" + name)
	entry := lockfile.Plugin{Name: name, Version: version, Tag: version, Repository: r.Name()}
	var layers []ocispec.Descriptor
	for _, p := range platforms() {
		layer := w.layer(r, name, p)
		layers = append(layers, layer, w.blob(r, "sum "+p.String(), "text/plain", p.Archive(name)+".sha256"))
		entry.Platforms = append(entry.Platforms, locked(p, "", ocispec.Descriptor{}, layer))
	}
	root := w.manifest(r, layers, nil, version)
	entry.Digest = root.Digest
	for i := range entry.Platforms {
		entry.Platforms[i].Manifest = root.Digest
	}
	w.lock.Plugins = append(w.lock.Plugins, entry)
}

// published is a world with a driver in each layout.
func published(t testing.TB, referrers bool) *world {
	w := newWorld(t, referrers)
	w.index("alpha", "0.1.0")
	w.tags("beta", "0.2.0")
	w.files("gamma", "0.3.0")
	return w
}

func (w *world) plan(l *lockfile.Lock, o PlanOptions) []*Graph {
	w.t.Helper()
	graphs, err := Plan(context.Background(), l, w.client.Repository, o)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, g := range graphs {
		for _, p := range g.Problems {
			w.t.Error(p)
		}
	}
	return graphs
}

// tar writes the bundle of a lock.
func (w *world) tar(l *lockfile.Lock) (file string, data []byte) {
	w.t.Helper()
	file = filepath.Join(w.t.TempDir(), "bundle.tar")
	b := NewBundle(l, w.plan(l, PlanOptions{Sparse: true}), nil)
	if err := b.WriteTar(context.Background(), file, Fetch(w.client.Repository, nil)); err != nil {
		w.t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	return file, data
}

func verify(file string) (*Contents, error) {
	s, err := ocilayout.Open(file)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return Verify(context.Background(), s, file)
}
