package resolve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// registries is a Catalog in memory that counts what it is asked.
type registries struct {
	t    testing.TB
	fail map[string]error     // by request, as in log
	hold func(request string) // called before each answer, nil for nothing

	withdrawn map[digest.Digest][]artifact.Withdrawal

	mu    sync.Mutex
	repos map[string]*repo
	log   []string // "tags REPO", "manifest REPO:REF", "resolve REPO:REF", "blob REPO"
}

type repo struct {
	of        *registries
	name      string
	tags      map[string]digest.Digest
	manifests map[digest.Digest][]byte
	blobs     map[digest.Digest][]byte
}

func newRegistries(t testing.TB) *registries {
	return &registries{t: t, repos: map[string]*repo{}, fail: map[string]error{}}
}

// repo returns a repository, which it makes.
func (r *registries) repo(name string) *repo {
	if r.repos[name] == nil {
		r.repos[name] = &repo{of: r, name: name, tags: map[string]digest.Digest{}, manifests: map[digest.Digest][]byte{}, blobs: map[digest.Digest][]byte{}}
	}
	return r.repos[name]
}

func (r *registries) asked(what string, args ...any) error {
	line := fmt.Sprintf(what, args...)
	if r.hold != nil {
		r.hold(line)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, line)
	return r.fail[line]
}

// count returns how many requests of a kind there were, and forgets none.
func (r *registries) count(prefix string) int {
	n := 0
	for _, l := range r.log {
		if strings.HasPrefix(l, prefix) {
			n++
		}
	}
	return n
}

func (r *registries) Tags(_ context.Context, repository string) ([]string, error) {
	if err := r.asked("tags %s", repository); err != nil {
		return nil, err
	}
	repo := r.repos[repository]
	if repo == nil {
		return nil, fmt.Errorf("%s: %w", repository, artifact.ErrNotFound)
	}
	var tags []string
	for tag := range repo.tags {
		tags = append(tags, tag)
	}
	return tags, nil
}

func (r *registries) Reader(repository string) (artifact.Reader, error) {
	if repo := r.repos[repository]; repo != nil {
		return repo, nil
	}
	return &repo{of: r, name: repository}, nil
}

func (r *repo) Resolve(ctx context.Context, reference string) (ocispec.Descriptor, error) {
	if err := r.of.asked("resolve %s:%s", r.name, reference); err != nil {
		return ocispec.Descriptor{}, err
	}
	desc, _, err := r.get(reference)
	return desc, err
}

func (r *repo) Manifest(ctx context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	if err := r.of.asked("manifest %s:%s", r.name, reference); err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	return r.get(reference)
}

func (r *repo) get(reference string) (ocispec.Descriptor, []byte, error) {
	d := digest.Digest(reference)
	if !strings.Contains(reference, ":") {
		d = r.tags[reference]
	}
	data, ok := r.manifests[d]
	if !ok {
		return ocispec.Descriptor{}, nil, fmt.Errorf("%s:%s: %w", r.name, reference, artifact.ErrNotFound)
	}
	var media struct {
		MediaType string `json:"mediaType"`
	}
	if err := json.Unmarshal(data, &media); err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	return ocispec.Descriptor{MediaType: media.MediaType, Digest: d, Size: int64(len(data))}, data, nil
}

func (r *repo) Blob(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	if err := r.of.asked("blob %s", r.name); err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(r.blobs[desc.Digest])), nil
}

func (r *repo) put(v any) ocispec.Descriptor {
	data, err := json.Marshal(v)
	if err != nil {
		r.of.t.Fatal(err)
	}
	d := digest.FromBytes(data)
	r.manifests[d] = data
	return ocispec.Descriptor{Digest: d, Size: int64(len(data))}
}

// official is where the manifests of the tests look by default.
const official = "registry.test/db"

// parse reads a manifest that lies in registry.test/db, unless it says
// otherwise.
func parse(t testing.TB, text string) *manifest.Manifest {
	t.Helper()
	if !strings.Contains(text, "registry") {
		text = "registry = \"" + official + "\"\n" + text
	}
	m, err := manifest.Parse("schemahero-plugins.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// noon is when the tests are run.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func (r *registries) resolve(o Options) (*Result, error) {
	o.Now = noon()
	return Resolve(context.Background(), r, o)
}

// lock resolves a manifest that must resolve.
func (r *registries) lock(manifest string, o Options) *Result {
	r.t.Helper()
	o.Manifest = parse(r.t, manifest)
	result, err := r.resolve(o)
	if err != nil {
		r.t.Fatal(err)
	}
	// What is locked must be a lock, and one that is not stale.
	if _, err := lockfile.Parse("lock", result.Lock.Encode()); err != nil {
		r.t.Fatal(err)
	}
	for _, d := range Stale(o.Manifest, result.Lock, o.Override) {
		r.t.Errorf("the new lock is stale: %s", d)
	}
	return result
}

// versions writes a lock as "mysql 1.0.0, postgres 0.1.2".
func versions(l *lockfile.Lock) string {
	texts := make([]string, len(l.Plugins))
	for i, p := range l.Plugins {
		texts[i] = p.Name + " " + versionID(p.Version, p.Tag, p.Digest)
	}
	return strings.Join(texts, ", ")
}

// texts returns what each of some says, for comparison.
func texts[T fmt.Stringer](some []T) []string {
	out := []string{}
	for _, s := range some {
		out = append(out, s.String())
	}
	return out
}

// check compares lists of what was said.
func check(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// release says what to publish; its zero value is for linux/amd64 and
// linux/arm64 and from long ago.
type release struct {
	platforms string            // separated by spaces; "" for linux/amd64 linux/arm64
	created   string            // RFC 3339; "-" for none
	requires  map[string]string // artifact.Host for the host
	salt      string            // makes other content of it
	badSum    bool              // the .sha256 layer says something else
	sum       bool              // there is a .sha256 layer
	version   string            // image.version, for floating tags
}

func (rel release) annotations() map[string]string {
	a := map[string]string{}
	if rel.created != "-" {
		a[ocispec.AnnotationCreated] = rel.created
		if rel.created == "" {
			a[ocispec.AnnotationCreated] = "2026-01-02T03:04:05Z"
		}
	}
	if rel.version != "" {
		a[ocispec.AnnotationVersion] = rel.version
	}
	for name, text := range rel.requires {
		if name == artifact.Host {
			a[artifact.AnnotationHost] = text
		} else {
			a[artifact.AnnotationRequires+name] = text
		}
	}
	return a
}

func (rel release) each(f func(p artifact.Platform)) {
	text := rel.platforms
	if text == "" {
		text = "linux/amd64 linux/arm64"
	}
	for _, s := range strings.Fields(text) {
		p, err := artifact.ParsePlatform(s)
		if err != nil {
			continue
		}
		f(p)
	}
}

// layers returns the layers of a driver for one platform.
func (r *repo) layers(name, tag string, p artifact.Platform, rel release) []ocispec.Descriptor {
	archive := []byte(name + tag + p.String() + rel.salt)
	title := func(s string) map[string]string { return map[string]string{ocispec.AnnotationTitle: s} }
	layers := []ocispec.Descriptor{{
		MediaType: "application/gzip", Digest: digest.FromBytes(archive), Size: int64(len(archive)), Annotations: title(p.Archive(name)),
	}}
	if rel.sum || rel.badSum {
		if rel.badSum {
			archive = append(archive, '!')
		}
		text := []byte(digest.FromBytes(archive).Encoded() + "  " + p.Archive(name) + "\n")
		d := digest.FromBytes(text)
		r.blobs[d] = text
		layers = append(layers, ocispec.Descriptor{MediaType: "text/plain", Digest: d, Size: int64(len(text)), Annotations: title(p.Archive(name) + ".sha256")})
	}
	return layers
}

func name(repository string) string {
	at := strings.LastIndexAny(repository, "/")
	return strings.TrimPrefix(repository[at+1:], "plugin-")
}

// index publishes a release in the index layout.
func (r *repo) index(tag string, rel release) digest.Digest {
	idx := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Annotations: rel.annotations()}
	rel.each(func(p artifact.Platform) {
		desc := r.put(r.single(tag, p, rel))
		desc.MediaType = ocispec.MediaTypeImageManifest
		desc.Platform = &ocispec.Platform{OS: p.OS, Architecture: p.Arch, Variant: p.Variant}
		idx.Manifests = append(idx.Manifests, desc)
	})
	r.tags[tag] = r.put(idx).Digest
	return r.tags[tag]
}

func (r *repo) single(tag string, p artifact.Platform, rel release) ocispec.Manifest {
	a := rel.annotations()
	a[artifact.AnnotationPlatform] = p.String()
	return ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifact.TypeSingle,
		Layers: r.layers(name(r.name), tag, p, rel), Annotations: a,
	}
}

// files publishes a release in the files layout.
func (r *repo) files(tag string, rel release) {
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifact.TypeMulti,
		Annotations: rel.annotations(),
	}
	rel.each(func(p artifact.Platform) { m.Layers = append(m.Layers, r.layers(name(r.name), tag, p, rel)...) })
	r.tags[tag] = r.put(m).Digest
}

// platformTags publishes a release in the tags layout, without a bare tag.
func (r *repo) platformTags(tag string, rel release) {
	rel.each(func(p artifact.Platform) { r.tags[tag+"-"+p.Suffix()] = r.put(r.single(tag, p, rel)).Digest })
}

// publish puts index releases of a driver without anything special.
func (r *registries) publish(name string, versions ...string) {
	for _, v := range versions {
		r.repo(official+"/"+name).index(v, release{})
	}
}

// Withdrawals implements Catalog with what withdrawn holds.
func (r *registries) Withdrawals(_ context.Context, _, repository string, root digest.Digest) ([]artifact.Withdrawal, error) {
	return r.withdrawn[root], r.asked("referrers %s@%s", repository, root)
}
