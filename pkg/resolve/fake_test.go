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
		texts[i] = p.Name + " " + label(p.Version, p.Tag, p.Digest)
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
