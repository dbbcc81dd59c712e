package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// hub is a few repositories of one registry; what was asked of it is logged.
type hub struct {
	mu     sync.Mutex
	blobs  map[string][]byte // by repository and digest
	mounts bool
	log    []string
}

// repo is one of them.
type repo struct {
	registry.Target
	h    *hub
	name string
}

func (r repo) Name() string { return r.name }

// note logs a request.
func (h *hub) note(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf(format, args...))
}

// asked returns what was asked that begins with a word, and forgets it all.
func (h *hub) asked(word string) (n int) {
	for _, l := range h.log {
		if strings.HasPrefix(l, word) {
			n++
		}
	}
	return n
}

func (r repo) at(reference string) string { return r.name + "@" + reference }

func (r repo) Exists(_ context.Context, desc ocispec.Descriptor) (bool, error) {
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	_, ok := r.h.blobs[r.at(desc.Digest.String())]
	return ok, nil
}

func (r repo) Mount(_ context.Context, desc ocispec.Descriptor, from string) (bool, error) {
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	data, ok := r.h.blobs[from+"@"+desc.Digest.String()]
	if !r.h.mounts || !ok {
		return false, nil
	}
	r.h.note("mount from %s", from)
	r.h.blobs[r.at(desc.Digest.String())] = data
	return true, nil
}

func (r repo) PushBlob(ctx context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	if ok, _ := r.Exists(ctx, desc); ok {
		return nil
	}
	rc, err := open()
	if err != nil {
		return err
	}
	defer rc.Close()
	data, err := io.ReadAll(rc)
	if err != nil {
		return err
	}
	if digest.FromBytes(data) != desc.Digest || int64(len(data)) != desc.Size {
		return errors.New("other bytes were sent than announced")
	}
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	r.h.note("send %s", desc.Digest)
	r.h.blobs[r.at(desc.Digest.String())] = data
	return nil
}

func (r repo) PushManifest(_ context.Context, desc ocispec.Descriptor, data []byte, tags ...string) error {
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	r.h.note("manifest %s", strings.Join(tags, " "))
	for _, reference := range append(tags, desc.Digest.String()) {
		r.h.blobs[r.at(reference)] = data
	}
	return nil
}

func (r repo) Resolve(_ context.Context, tag string) (ocispec.Descriptor, error) {
	desc, _, err := r.Manifest(context.Background(), tag)
	return desc, err
}

func (r repo) Manifest(_ context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	data, ok := r.h.blobs[r.at(reference)]
	if !ok {
		return ocispec.Descriptor{}, nil, artifact.ErrNotFound
	}
	return ocispec.Descriptor{MediaType: artifact.MediaTypeOf("", data), Digest: digest.FromBytes(data), Size: int64(len(data))}, data, nil
}

func (r repo) Blob(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	data, ok := r.h.blobs[r.at(desc.Digest.String())]
	if !ok {
		return nil, artifact.ErrNotFound
	}
	r.h.note("fetch from %s", r.name)
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (h *hub) open(name string) (registry.Repository, error) { return repo{h: h, name: name}, nil }

// tarOf is an archive of one file.
func tarOf(t testing.TB, name string, mode int64) []byte {
	t.Helper()
	body := []byte("the executable of " + name)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(body))})
	if _, wrong := w.Write(body); err != nil || wrong != nil {
		t.Fatal(err, wrong)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// published is a registry with releases, and a lock of them: one that fits, and one
// that is packed again.
func published(t testing.TB) (*hub, *lockfile.Lock) {
	h := &hub{blobs: map[string][]byte{}}
	l := &lockfile.Lock{}
	for name, mode := range map[string]int64{"mysql": 0o755, "postgres": 0o700} {
		p := lockfile.Plugin{Name: name, Version: "1.0.0", Repository: "hub.test/db/" + name}
		for _, q := range []artifact.Platform{amd64, arm64} {
			layer := tarOf(t, "schemahero-"+name+"-"+q.Suffix(), mode)
			p.Platforms = append(p.Platforms, lockfile.Platform{Platform: q, Layer: digest.FromBytes(layer), Size: int64(len(layer)), File: q.Archive(name)})
			h.blobs[p.Repository+"@"+digest.FromBytes(layer).String()] = layer
		}
		l.Plugins = append(l.Plugins, p)
	}
	l.Sort()
	return h, l
}

func TestPush(t *testing.T) {
	h, l := published(t)
	h.mounts = true
	o := image.PushOptions{Memory: image.OpenMemory(""), Open: h.open, Temp: t.TempDir(), Tag: "prod"}
	push := func(name string) *image.Report {
		t.Helper()
		h.log = nil
		report, err := image.Push(t.Context(), repo{h: h, name: name}, l, o)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	// Each layer is fetched once; one that fits is mounted, the others, the two
	// layers of links and the two configs are sent; the tag is set last.
	first := push("hub.test/apps/a")
	if first.BlobsMounted != 2 || first.BlobsSent != 6 || first.BlobsSkipped != 0 || h.asked("fetch") != 4 || h.asked("mount from hub.test/db/mysql") != 2 {
		t.Errorf("report %+v\n%s", first, strings.Join(h.log, "\n"))
	}
	if last := h.log[len(h.log)-1]; last != "manifest prod" || h.asked("manifest") != 3 {
		t.Errorf("the last is %s", last)
	}
	// Again: nothing.
	if again := push("hub.test/apps/a"); again.BytesSent != 0 || again.BlobsSkipped != 8 || len(h.log) != 0 || again.Index.Digest != first.Index.Digest {
		t.Errorf("report %+v\n%s", again, strings.Join(h.log, "\n"))
	}
	// Elsewhere in the registry only what is packed is fetched, to be packed again.
	if other := push("hub.test/apps/b"); other.BlobsMounted != 2 || h.asked("fetch") != 2 || other.Index.Digest != first.Index.Digest {
		t.Errorf("report %+v\n%s", other, strings.Join(h.log, "\n"))
	}
	// What a mirror in this registry holds is mounted from there.
	for key, data := range h.blobs {
		if rest, ok := strings.CutPrefix(key, "hub.test/db/"); ok {
			delete(h.blobs, key)
			h.blobs["hub.test/mirror/db/"+rest] = data
		}
	}
	o.Copies = func(name string) []string { return []string{strings.Replace(name, "hub.test/", "hub.test/mirror/", 1)} }
	o.Open = func(name string) (registry.Repository, error) { return h.open(o.Copies(name)[0]) }
	if report := push("hub.test/apps/c"); report.BlobsMounted != 2 || h.asked("mount from hub.test/mirror/db/mysql") != 2 {
		t.Errorf("report %+v\n%s", report, strings.Join(h.log, "\n"))
	}
	// Where nothing is mounted, a layer is fetched once to be sent.
	h.mounts = false
	if report := push("hub.test/apps/d"); report.BlobsMounted != 0 || report.BlobsSent != 8 || h.asked("fetch") != 4 {
		t.Errorf("report %+v\n%s", report, strings.Join(h.log, "\n"))
	}
	h.log, o.Memory = nil, image.OpenMemory("")
	if report := push("hub.test/apps/e"); report.BlobsSent != 8 || h.asked("fetch") != 4 {
		t.Errorf("report %+v\n%s", report, strings.Join(h.log, "\n"))
	}
	// A dry run asks the target nothing.
	o.DryRun = true
	if report := push("hub.test/apps/f"); len(h.log) != 0 || report.Index.Digest != first.Index.Digest || report.BytesSent != 0 {
		t.Errorf("report %+v\n%s", report, strings.Join(h.log, "\n"))
	}
}

func TestPushSigns(t *testing.T) {
	h, l := published(t)
	to := repo{h: h, name: "hub.test/apps/a"}
	o := image.PushOptions{Memory: image.OpenMemory(""), Open: h.open, Temp: t.TempDir(), Tag: "prod"}
	no := errors.New("no")
	o.Sign = func(_ context.Context, desc ocispec.Descriptor) error {
		if there, _ := to.Exists(t.Context(), desc); !there {
			t.Error("is signed before it is there")
		}
		return no
	}
	_, err := image.Push(t.Context(), to, l, o)
	if _, untagged := to.Resolve(t.Context(), "prod"); !errors.As(err, new(*image.SignError)) || !errors.Is(err, no) || untagged == nil {
		t.Errorf("error %v, and the tag is set: %v", err, untagged == nil)
	}
	o.Sign = func(context.Context, ocispec.Descriptor) error { return nil }
	if _, err := image.Push(t.Context(), to, l, o); err != nil {
		t.Error(err)
	}
	if _, err := to.Resolve(t.Context(), "prod"); err != nil {
		t.Error(err)
	}
}

// A layer that is not the locked driver's ends it before anything is sent.
func TestPushRefusesLayers(t *testing.T) {
	for what, change := range map[string]func(*hub, *lockfile.Lock){
		"another driver's": func(h *hub, l *lockfile.Lock) {
			l.Plugins[0].Platforms[0].Layer, l.Plugins[0].Platforms[0].Size = l.Plugins[1].Platforms[0].Layer, l.Plugins[1].Platforms[0].Size
			l.Plugins[0].Repository = l.Plugins[1].Repository
		},
		"another executable": func(_ *hub, l *lockfile.Lock) { l.Plugins[0].Platforms[1].Executable = sum("x") },
	} {
		h, l := published(t)
		change(h, l)
		_, err := image.Push(t.Context(), repo{h: h, name: "hub.test/apps/a"}, l, image.PushOptions{Memory: image.OpenMemory(""), Open: h.open, Temp: t.TempDir()})
		if !errors.As(err, new(*image.LayerError)) || fault.Of(err) != fault.Integrity || h.asked("send") != 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What a push made, Inspect knows; what is something else it does not.
func TestInspect(t *testing.T) {
	h, l := published(t)
	l.Plugins[1].Aliases = []string{"cockroachdb"}
	to := repo{h: h, name: "hub.test/apps/a"}
	if _, err := image.Push(t.Context(), to, l, image.PushOptions{Memory: image.OpenMemory(""), Open: h.open, Temp: t.TempDir(), Tag: "prod"}); err != nil {
		t.Fatal(err)
	}
	found, err := image.Inspect(t.Context(), to, "it", "prod")
	if err != nil {
		t.Fatal(err)
	}
	names := func(p image.FoundPart) (out []string) {
		for _, l := range p.Layers {
			out = append(out, l.Plugin+" "+l.Entry)
		}
		return out
	}
	if len(found.Parts) != 2 || !slices.Equal(names(found.Parts[1]), []string{"mysql schemahero-mysql-linux-arm64", "postgres schemahero-postgres-linux-arm64"}) ||
		len(found.Parts[0].Links) != 3 || found.Parts[0].Links[0] != (image.Link{Path: "schemahero-cockroachdb", Target: "schemahero-postgres"}) {
		t.Errorf("found %+v", found)
	}
	if one, err := image.Inspect(t.Context(), to, "it", found.Parts[0].Manifest.String()); err != nil || len(one.Parts) != 1 || len(one.Parts[0].Layers) != 2 {
		t.Errorf("the manifest for one platform: %+v, %v", one, err)
	}
	base, err := image.ReadBase(t.Context(), to, "it", "prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := image.Push(t.Context(), to, l, image.PushOptions{Options: image.Options{Base: base}, FromBase: to, Memory: image.OpenMemory(""), Open: h.open, Temp: t.TempDir(), Tag: "twice"}); err != nil {
		t.Fatal(err)
	}
	if twice, err := image.Inspect(t.Context(), to, "it", "twice"); err != nil || twice.BaseDigest != found.Digest.String() || len(twice.Parts[1].Layers) != 2 || !strings.HasPrefix(twice.Parts[1].Links[0].Path, "usr/") {
		t.Errorf("drivers on an image of drivers: %+v, %v", twice, err)
	}
	layer := tarOf(t, "bin/manager", 0o755)
	config := fmt.Sprintf(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[%q]}}`, sum("x"))
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[{"mediaType":%q,"digest":%q,"size":%d}]}`,
		ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig, sum(config), len(config), ocispec.MediaTypeImageLayerGzip, digest.FromBytes(layer), len(layer))
	h.blobs[to.at("other")], h.blobs[to.at(sum(config).String())], h.blobs[to.at(digest.FromBytes(layer).String())] = []byte(manifest), []byte(config), layer
	if _, err := image.Inspect(t.Context(), to, "it", "other"); !errors.As(err, new(*image.BaseError)) {
		t.Errorf("another image: %v", err)
	}
}

// FuzzBase puts drivers on a base whose config is anything: where that is accepted,
// the image has the layers and says what is in them.
func FuzzBase(f *testing.F) {
	ok := fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{"User":"1001"},"rootfs":{"type":"layers","diff_ids":[%q]},"history":[{"created_by":"x"}]}`, sum("x"))
	for _, config := range []string{ok, `{}`, `[]`, `null`, strings.Replace(ok, "amd64", "s390x", 1), strings.Replace(ok, `[{`, `{"a":[{`, 1), strings.Replace(ok, `"history":[{"created_by":"x"}]`, `"history":null`, 1)} {
		f.Add(config)
	}
	l, k := locked("postgres", amd64)
	f.Fuzz(func(t *testing.T, config string) {
		h := &hub{blobs: map[string][]byte{}}
		r := repo{h: h, name: "hub.test/base"}
		manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[{"mediaType":%q,"digest":%q,"size":1}]}`,
			ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig, sum(config), len(config), ocispec.MediaTypeImageLayer, sum("layer"))
		h.blobs[r.at("1")], h.blobs[r.at(sum(config).String())] = []byte(manifest), []byte(config)
		b, err := image.ReadBase(t.Context(), r, "base", "1", nil)
		if err != nil {
			if !errors.As(err, new(*image.BaseError)) {
				t.Errorf("error %v of no type", err)
			}
			return
		}
		img, err := image.Build(l, k, image.Options{Base: b})
		if err != nil {
			if !errors.As(err, new(*image.BasePlatformError)) {
				t.Errorf("error %v", err)
			}
			return
		}
		var made ocispec.Image
		if err := json.Unmarshal(img.Parts[0].Settings, &made); err != nil {
			return // a field of the base's that is no field of an image's
		}
		if len(made.RootFS.DiffIDs) != 3 || made.RootFS.DiffIDs[1] != sum("tar of schemahero-postgres-linux-amd64") || made.OS != "linux" {
			t.Errorf("config %s", img.Parts[0].Settings)
		}
	})
}
