package transfer

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	ours "github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// to opens, in w, the repository that mirrors one of another world's.
func (w *world) to() OpenTarget {
	return func(name string) (ours.Target, error) {
		_, path, _ := strings.Cut(name, "/")
		return w.client.Target(w.Host() + "/" + path)
	}
}

func TestCopy(t *testing.T) {
	for name, apis := range map[string][2]bool{"API to API": {true, true}, "API to tag": {true, false}, "tag to API": {false, true}} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			a, b := published(t, apis[0]), newWorld(t, apis[1])
			graphs := a.plan(&a.lock, PlanOptions{})
			dry, err := Copy(ctx, graphs, a.client.Repository, b.to(), CopyOptions{DryRun: true})
			if err != nil || b.Count("PUT") > 0 {
				t.Fatalf("dry run: %v, %d writes", err, b.Count("PUT"))
			}
			done, err := Copy(ctx, graphs, a.client.Repository, b.to(), CopyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range done {
				if len(done[i].Problems) > 0 {
					t.Error(done[i].Problems)
				}
				// This registry shares blobs between repositories, so that only who is
				// first sends {}.
				if d := dry[i]; d.Manifests != done[i].Manifests || d.Blobs-done[i].Blobs > 1 || !slices.Equal(d.Tags, done[i].Tags) {
					t.Errorf("a dry run says %+v, done is %+v", d, done[i])
				}
			}
			// What is there now is a graph like the first, tags and referrers too.
			moved := a.lock.Clone()
			for i := range moved.Plugins {
				moved.Plugins[i].Repository = strings.Replace(moved.Plugins[i].Repository, a.Host(), b.Host(), 1)
			}
			for i, g := range b.plan(moved, PlanOptions{}) {
				if !equalGraphs(g, graphs[i]) {
					t.Errorf("%s: the copy differs", g.Repository)
				}
				if _, err := b.to()(g.Repository); err != nil {
					t.Error(err)
				}
			}
			// A second run sends nothing.
			before := b.Count("PUT")
			again, err := Copy(ctx, graphs, a.client.Repository, b.to(), CopyOptions{})
			if err != nil || b.Count("PUT") != before {
				t.Errorf("a second run: %v, %d writes", err, b.Count("PUT")-before)
			}
			for _, c := range again {
				if c.Bytes != 0 || c.Blobs != 0 || c.Manifests != 0 {
					t.Errorf("a second run sent %+v", c)
				}
			}
		})
	}
}

func equalGraphs(g, h *Graph) bool {
	return slices.EqualFunc(g.Manifests, h.Manifests, func(m, n Manifest) bool {
		return m.Desc.Digest == n.Desc.Digest && bytes.Equal(m.Data, n.Data) && slices.Equal(m.Tags, n.Tags)
	}) && len(g.Blobs) == len(h.Blobs)
}

// A run that was cut is made good by the next, referrers too.
func TestCopyGoesOn(t *testing.T) {
	ctx := context.Background()
	a, b := published(t, true), newWorld(t, false)
	graphs := a.plan(&a.lock, PlanOptions{})
	const fault = "PUT /v2/plugins/alpha/manifests/sha256-"
	b.refuse(http.StatusBadRequest, fault)
	if _, err := Copy(ctx, graphs, a.client.Repository, b.to(), CopyOptions{}); err == nil {
		t.Errorf("%s fails, and nothing is said", fault)
	}
	b.SetFault(nil)
	if _, err := Copy(ctx, graphs, a.client.Repository, b.to(), CopyOptions{}); err != nil {
		t.Fatal(err)
	}
	root := a.lock.Plugins[0].Digest
	if list, err := b.repo("plugins/alpha").Referrers(ctx, root); err != nil || len(list) != 1 {
		t.Errorf("referrers: %v %v", list, err)
	}
}

// Within one registry blobs are mounted: none is read, and none is sent.
func TestCopyMounts(t *testing.T) {
	w := published(t, true)
	graphs := w.plan(&w.lock, PlanOptions{})
	w.SetFault(func(_ int, rw http.ResponseWriter, req *http.Request) bool {
		mount := req.URL.Query().Has("mount")
		blob := strings.Contains(req.URL.Path, "/blobs/sha256:")
		switch { // the registry itself mounts none, and has all blobs in every repository
		case mount && strings.HasPrefix(req.URL.Path, "/v2/copies/") && strings.HasPrefix(req.URL.Query().Get("from"), "plugins/"):
			rw.WriteHeader(http.StatusCreated)
		case blob:
			rw.WriteHeader(http.StatusNotFound)
		}
		return mount || blob
	})
	to := func(name string) (ours.Target, error) {
		return w.client.Target(strings.Replace(name, "/plugins/", "/copies/", 1))
	}
	done, err := Copy(t.Context(), graphs, w.client.Repository, to, CopyOptions{})
	for _, c := range done {
		if err != nil || c.Blobs != 0 || c.There == 0 || c.Manifests == 0 {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

func TestCopyTag(t *testing.T) {
	ctx := context.Background()
	a, b := published(t, true), newWorld(t, true)
	r := b.repo("plugins/gamma")
	other := b.manifest(r, nil, nil, "0.3.0")
	done, err := Copy(ctx, a.plan(&a.lock, PlanOptions{}), a.client.Repository, b.to(), CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("the target's tag 0.3.0 names %s, not %s", other.Digest, a.lock.Plugins[2].Digest)
	if p := done[2].Problems; len(p) != 1 || p[0].Err.Error() != want {
		t.Errorf("problems %v", done[2].Problems)
	}
	if d, err := r.Resolve(ctx, "0.3.0"); err != nil || d.Digest != other.Digest {
		t.Errorf("a version's tag was moved: %v %v", d.Digest, err)
	}
}

func TestPlanAllVersions(t *testing.T) {
	w := newWorld(t, true)
	w.tags("beta", "0.1.0")
	older := w.lock.Plugins[0]
	w.lock = lockfile.Lock{}
	w.tags("beta", "0.2.0")
	digests := func(o PlanOptions) string {
		out := ""
		for _, m := range w.plan(&w.lock, o)[0].Manifests {
			out += m.Desc.Digest.String() + " "
		}
		return out
	}
	if strings.Contains(digests(PlanOptions{}), older.Platforms[0].Manifest.String()) {
		t.Error("a version that is not locked is carried")
	}
	if !strings.Contains(digests(PlanOptions{AllVersions: []string{"beta"}}), older.Platforms[0].Manifest.String()) {
		t.Error("an older version is not carried")
	}
}

// A version that is not locked and of which something is gone is a problem, and
// the others are carried; a locked one is an error.
func TestPlanBrokenVersion(t *testing.T) {
	w := newWorld(t, true)
	w.index("alpha", "0.1.0")
	old := w.lock.Plugins[0]
	w.lock = lockfile.Lock{}
	w.layers = "new "
	w.index("alpha", "0.2.0")
	w.refuse(http.StatusNotFound, "GET /v2/plugins/alpha/manifests/"+old.Platforms[0].Manifest.String())
	w.forget()
	o := PlanOptions{AllVersions: []string{"alpha"}}
	graphs, err := Plan(context.Background(), &w.lock, w.client.Repository, o)
	if err != nil {
		t.Fatal(err)
	}
	if p := graphs[0].Problems; len(p) != 1 || p[0].Subject != "0.1.0" || !errors.Is(p[0].Err, artifact.ErrNotFound) {
		t.Errorf("problems %v", p)
	}
	for _, m := range graphs[0].Manifests {
		if m.Desc.Digest == old.Digest {
			t.Error("an index is carried of which a manifest is gone")
		}
	}
	w.lock = lockfile.Lock{Plugins: []lockfile.Plugin{old}}
	if _, err := Plan(context.Background(), &w.lock, w.client.Repository, o); !errors.Is(err, artifact.ErrNotFound) {
		t.Errorf("a locked version of which a manifest is gone: %v", err)
	}
}

func TestPlanPlatforms(t *testing.T) {
	w := newWorld(t, true)
	w.tags("beta", "0.1.0")
	w.lock = lockfile.Lock{}
	w.tags("beta", "0.2.0")
	l := Restrict(&w.lock, platforms()[1:])
	var tags []string
	for _, m := range w.plan(l, PlanOptions{Sparse: true, AllVersions: []string{"beta"}})[0].Manifests {
		tags = append(tags, m.Tags...)
	}
	slices.Sort(tags)
	if want := []string{"0.1.0-linux-amd64", "0.2.0-linux-amd64"}; !slices.Equal(tags, want) {
		t.Errorf("tags %v, want %v", tags, want)
	}
}

// The tags X.Y.Z-OS-ARCH of an index's manifests are carried if they are asked
// for, and those that name something else are not.
func TestPlanPlatformTags(t *testing.T) {
	w := newWorld(t, true)
	w.index("alpha", "0.1.0")
	r := w.repo("plugins/alpha")
	_, data, err := r.Manifest(context.Background(), w.lock.Plugins[0].Platforms[1].Manifest.String())
	if err != nil {
		t.Fatal(err)
	}
	w.push(r, ocispec.MediaTypeImageManifest, json.RawMessage(data), "0.1.0-linux-amd64")
	w.manifest(r, nil, nil, "0.1.0-darwin-arm64")
	for asked, want := range map[bool][]string{true: {"0.1.0", "0.1.0-linux-amd64"}, false: {"0.1.0"}} {
		var tags []string
		for _, m := range w.plan(&w.lock, PlanOptions{PlatformTags: asked})[0].Manifests {
			for _, tag := range m.Tags {
				if _, ok := artifact.ParseTag(tag); ok {
					tags = append(tags, tag)
				}
			}
		}
		slices.Sort(tags)
		if !slices.Equal(tags, want) {
			t.Errorf("asked for: %v: tags %v, want %v", asked, tags, want)
		}
	}
}

// A signature whose blob is gone is a problem, and everything else is carried; a
// layer that is gone is an error.
func TestLostBlob(t *testing.T) {
	ctx := context.Background()
	a, b := published(t, true), newWorld(t, true)
	graphs := a.plan(&a.lock, PlanOptions{})
	whole := len(graphs[0].Manifests)
	a.refuse(http.StatusNotFound, "GET /v2/plugins/alpha/blobs/"+digest.FromString("signature of alpha").String())
	done, err := Copy(ctx, graphs, a.client.Repository, b.to(), CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// What the lost signature's own timestamp refers to is lost with it.
	if n := len(done[0].Problems); n != 2 || done[0].Manifests != whole-2 || len(done[1].Problems)+len(done[2].Problems) > 0 {
		t.Errorf("of %d manifests %d were sent, problems %v", whole, done[0].Manifests, done[0].Problems)
	}
	file := filepath.Join(t.TempDir(), "bundle.tar")
	if _, err := Build([]*lockfile.Lock{&a.lock}, graphs, nil, func(b *ocilayout.Bundle) error { return b.WriteTar(ctx, file, Fetch(a.client.Repository, nil)) }); err != nil {
		t.Fatal(err)
	}
	if len(graphs[0].Problems) != 2 {
		t.Errorf("problems %v", graphs[0].Problems)
	}
	if c, err := verify(file); err != nil || len(c.Graphs[0].Manifests) != whole-2 {
		t.Errorf("the bundle: %+v %v", c, err)
	}

	a.refuse(http.StatusNotFound, "GET /v2/plugins/gamma/blobs/"+a.lock.Plugins[2].Platforms[0].Layer.String())
	if _, err := Copy(ctx, graphs, a.client.Repository, newWorld(t, true).to(), CopyOptions{}); !errors.Is(err, artifact.ErrNotFound) {
		t.Errorf("a layer is gone: %v", err)
	}
	_, err = Build([]*lockfile.Lock{&a.lock}, graphs, nil, func(b *ocilayout.Bundle) error { return b.WriteTar(ctx, file, Fetch(a.client.Repository, nil)) })
	if !errors.Is(err, artifact.ErrNotFound) {
		t.Errorf("a layer is gone: %v", err)
	}
}

func TestPlanRefuses(t *testing.T) {
	w := published(t, true)
	for i := range w.lock.Plugins {
		l := w.lock.Clone()
		l.Plugins[i].Platforms[0].Layer = l.Plugins[(i+1)%3].Platforms[0].Layer
		_, err := Plan(context.Background(), l, w.client.Repository, PlanOptions{})
		var graph *GraphError
		if !errors.As(err, &graph) || graph.Plugin != l.Plugins[i].Name {
			t.Errorf("a layer that is another driver's: %v", err)
		}
	}
	l := w.lock.Clone()
	l.Plugins[0].Digest = digest.FromString("gone")
	if _, err := Plan(context.Background(), l, w.client.Repository, PlanOptions{}); !errors.Is(err, artifact.ErrNotFound) {
		t.Errorf("a digest that is not there: %v", err)
	}
}

func TestBundle(t *testing.T) {
	w := published(t, true)
	file, data := w.tar(&w.lock)
	c, err := verify(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.Lock.Encode(), w.lock.Encode()) || len(c.Graphs) != 3 {
		t.Errorf("contents %+v", c)
	}
	if _, again := w.tar(&w.lock); !bytes.Equal(again, data) {
		t.Error("one lock gives two bundles")
	}
	// A registry that lists referrers in another way gives the same bundle.
	s, err := ocilayout.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	from := func(name string) (ours.Repository, error) { return s.Repository(name), nil }
	graphs, err := Plan(context.Background(), c.Lock, from, PlanOptions{Sparse: true})
	if err != nil {
		t.Fatal(err)
	}
	if b := NewBundle(c.Lock, graphs, nil); !bytes.Contains(data, b.Index) {
		t.Error("a bundle of a bundle is another")
	}
	for _, name := range []string{"alpha-0.1.0", "beta-0.2.0", "beta-0.2.0-linux-amd64", "gamma-0.3.0"} {
		if !bytes.Contains(data, []byte(`"org.opencontainers.image.ref.name": "`+name+`"`)) {
			t.Errorf("no entry %s", name)
		}
	}
	if tags := allTags(t, s.Repository(w.Host()+"/plugins/beta")); !slices.Equal(tags, []string{"0.2.0-darwin-arm64", "0.2.0-linux-amd64"}) {
		t.Errorf("beta's tags are %v", tags)
	}
	list, err := s.Repository(w.Host()+"/plugins/alpha").Referrers(context.Background(), w.lock.Plugins[0].Digest)
	if err != nil || len(list) != 1 {
		t.Errorf("referrers %v %v", list, err)
	}
}

func allTags(t *testing.T, r ours.Repository) (tags []string) {
	t.Helper()
	if err := r.Tags(context.Background(), func(page []string) error { tags = append(tags, page...); return nil }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(tags)
	return tags
}

// unpacked is what a tar holds, by name.
func unpacked(t *testing.T, data []byte) map[string]string {
	out := map[string]string{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		content, readErr := io.ReadAll(r)
		if err != nil || readErr != nil {
			t.Fatal(err, readErr)
		}
		out[h.Name] = string(content)
	}
}

// No byte of what a bundle holds can change unseen, wherever it stands. What a tar
// has between its files tars write in different ways, and nobody reads.
func TestBundleFlipped(t *testing.T) {
	w := published(t, true)
	file, data := w.tar(&w.lock)
	r := rand.New(rand.NewPCG(1, 2))
	step := 211 // a prime: every place in a block comes up
	if testing.Short() {
		step = 997
	}
	for at := r.IntN(step); at < len(data); at += step {
		flipped := bytes.Clone(data)
		flipped[at] ^= byte(1 + r.IntN(255))
		if err := os.WriteFile(file, flipped, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := verify(file)
		if !damaged(err) && (err != nil || !maps.Equal(unpacked(t, flipped), unpacked(t, data))) {
			t.Fatalf("byte %d, %q to %q: %v", at, data[at], flipped[at], err)
		}
	}
	for _, n := range []int{0, 1, 511, 512, 5000, len(data) - 1025, len(data) - 1024, len(data) - 1} {
		if err := os.WriteFile(file, data[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := verify(file); !damaged(err) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

// damaged reports whether an error is one that the program ends with 7 for.
func damaged(err error) bool {
	return errors.As(err, new(*ocilayout.Error)) || errors.As(err, new(*artifact.IntegrityError))
}

func TestBundleSparse(t *testing.T) {
	w := published(t, true)
	part := Restrict(&w.lock, platforms()[1:])
	file, data := w.tar(part)
	if _, err := verify(file); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("for darwin/arm64")) {
		t.Error("another platform's layer is in the bundle")
	}
	for _, name := range []string{"alpha", "beta", "gamma"} {
		if !bytes.Contains(data, []byte(name+" for linux/amd64")) {
			t.Errorf("%s is not in the bundle", name)
		}
	}
}

func TestFolder(t *testing.T) {
	ctx := context.Background()
	w := published(t, true)
	dir := filepath.Join(t.TempDir(), "vendor", "plugins")
	keep := func(l *lockfile.Lock) *ocilayout.Written {
		t.Helper()
		b := NewBundle(l, w.plan(l, PlanOptions{Sparse: true}), nil)
		out, err := b.WriteFolder(ctx, dir, Fetch(w.client.Repository, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(dir); err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := keep(&w.lock)
	if len(first.Added) < 20 || first.Kept != 0 {
		t.Errorf("the first run: %+v", first)
	}
	if again := keep(&w.lock); len(again.Added)+len(again.Removed) != 0 {
		t.Errorf("a second run: %+v", again)
	}
	os.WriteFile(filepath.Join(dir, "README.md"), []byte("ours"), 0o644)
	os.WriteFile(filepath.Join(dir, "blobs", "sha256", ".x.999999999-00000000.tmp"), nil, 0o644)
	less := w.lock.Clone()
	less.Plugins = less.Plugins[1:]
	if out := keep(less); len(out.Removed) < 8 || len(out.Added) != 2 {
		t.Errorf("a driver less: %+v", out)
	}
	if _, err := os.Stat(filepath.Join(dir, "README.md")); err != nil {
		t.Error(err)
	}
	// A layer that was changed is fetched again, and no other.
	layer := filepath.Join(dir, "blobs", "sha256", less.Plugins[0].Platforms[0].Layer.Encoded())
	os.WriteFile(layer, []byte("changed"), 0o644)
	if _, err := verify(dir); !damaged(err) {
		t.Errorf("a changed layer: %v", err)
	}
	if out := keep(less); len(out.Added) != 1 || len(out.Removed) != 0 {
		t.Errorf("a changed layer: %+v", out)
	}
	other := t.TempDir()
	os.WriteFile(filepath.Join(other, "notes.txt"), nil, 0o644)
	var folder *ocilayout.FolderError
	if _, err := NewBundle(less, nil, nil).WriteFolder(ctx, other, Fetch(w.client.Repository, nil), nil); !errors.As(err, &folder) {
		t.Errorf("a folder with something else in it: %v", err)
	}
}

// A vendored folder can come from a pull request: a link in it leads nowhere.
func TestFolderLink(t *testing.T) {
	w := published(t, true)
	b := NewBundle(&w.lock, w.plan(&w.lock, PlanOptions{Sparse: true}), nil)
	for _, link := range []string{"blobs", "blobs/sha256"} {
		dir, elsewhere := t.TempDir(), t.TempDir()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, link)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(elsewhere, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
		_, err := b.WriteFolder(context.Background(), dir, Fetch(w.client.Repository, nil), nil)
		if list, _ := os.ReadDir(elsewhere); !errors.As(err, new(*ocilayout.FolderError)) || len(list) > 0 {
			t.Errorf("%s is a link: %v, and behind it there is %v", link, err, list)
		}
	}
}

func TestNothingIsLeft(t *testing.T) {
	w := published(t, true)
	b := NewBundle(&w.lock, w.plan(&w.lock, PlanOptions{Sparse: true}), nil)
	w.refuse(http.StatusBadRequest, "GET /v2/plugins/gamma/blobs/")
	dir := t.TempDir()
	if err := b.WriteTar(context.Background(), filepath.Join(dir, "x.tar"), Fetch(w.client.Repository, nil)); err == nil {
		t.Error("a layer cannot be read, and nothing is said")
	}
	if list, _ := os.ReadDir(dir); len(list) > 0 {
		t.Errorf("there is %v", list)
	}
}

// What a fallback tag lists and is gone, or refers to nothing, is told and holds
// nothing up.
func TestPlanProblems(t *testing.T) {
	w := newWorld(t, false)
	w.files("gamma", "0.3.0")
	r := w.repo("plugins/gamma")
	root := w.lock.Plugins[0].Digest
	var index ocispec.Index
	index.SchemaVersion, index.MediaType = 2, ocispec.MediaTypeImageIndex
	signature := w.manifest(r, nil, &ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: root, Size: 1})
	stray := w.manifest(r, nil, nil)
	gone := w.manifest(r, []ocispec.Descriptor{w.blob(r, "gone", "text/plain", "")}, &ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: root, Size: 1})
	data, err := json.Marshal(ocispec.Index{Versioned: index.Versioned, MediaType: index.MediaType, Manifests: []ocispec.Descriptor{gone, stray, signature}})
	if err != nil {
		t.Fatal(err)
	}
	desc := ocispec.Descriptor{MediaType: index.MediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	tag := strings.Replace(root.String(), ":", "-", 1)
	ask := func(method, reference string, body []byte) {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+w.Host()+"/v2/plugins/gamma/manifests/"+reference, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", desc.MediaType)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode >= 300 {
			t.Fatal(method, " ", resp.Status)
		}
	}
	ask(http.MethodPut, tag, data)
	ask(http.MethodDelete, gone.Digest.String(), nil)
	if w.client, err = ours.New(ours.Options{}); err != nil { // one that remembers nothing
		t.Fatal(err)
	}
	graphs, err := Plan(context.Background(), &w.lock, w.client.Repository, PlanOptions{Sparse: true})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, p := range graphs[0].Problems {
		told[p.Subject] = true
	}
	if len(told) != 2 || !told[gone.Digest.String()] || !told[stray.Digest.String()] {
		t.Errorf("problems %v", graphs[0].Problems)
	}
	found := false
	for _, m := range graphs[0].Manifests {
		found = found || m.Desc.Digest == signature.Digest
		if m.Desc.Digest == stray.Digest {
			t.Error("what refers to nothing is carried")
		}
	}
	if !found {
		t.Error("the signature is not carried")
	}
}
