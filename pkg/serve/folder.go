package serve

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// folder is a store that can be written to:
//
//	DIR/blobs/ALGORITHM/HEX  blobs, and the bodies of manifests
//	DIR/manifests.jsonl      a journal: every manifest put or deleted, in order
//	DIR/uploads/             what is being sent
//
// Blobs are every repository's: whoever knows a digest may read it.
type folder struct {
	dir     string
	journal *os.File

	mu      sync.RWMutex // of what is below, and of writing to the journal
	repos   map[string]*content
	uploads map[string]*upload
}

// content is what a repository has.
type content struct {
	tags      map[string]digest.Digest
	sorted    []string // tags
	manifests map[digest.Digest]ocispec.Descriptor
	referrers map[digest.Digest][]ocispec.Descriptor // by subject, in the order in which they came
}

// entry is a line of the journal.
type entry struct {
	Method    string        `json:"method"`
	Path      string        `json:"path"`
	MediaType string        `json:"mediaType,omitempty"`
	Digest    digest.Digest `json:"digest,omitempty"`
}

// kept is what is kept of a manifest in memory.
type kept struct {
	desc     ocispec.Descriptor // as referrers are listed
	subject  digest.Digest
	children []digest.Digest // that must be there before it
}

// Open returns the registry kept in dir, which is made if it is not there.
// Errors: those of the file system, and a journal that names a manifest whose
// body is gone.
func Open(dir string) (*Registry, error) {
	f := &folder{dir: dir, repos: map[string]*content{}, uploads: map[string]*upload{}}
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return nil, err
	}
	if err := (disk.Disk{}).RemoveAll(f.uploading("")); err != nil { // uploads of an earlier run are not resumed
		return nil, err
	}
	if err := os.MkdirAll(f.uploading(""), 0o755); err != nil {
		return nil, err
	}
	var err error
	f.journal, err = os.OpenFile(filepath.Join(dir, "manifests.jsonl"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	if err := f.replay(); err != nil {
		f.journal.Close()
		return nil, err
	}
	return &Registry{store: f, folder: f, idle: maxIdle}, nil
}

// close ends the uploads that nobody has finished, too.
func (f *folder) close() error {
	f.mu.RLock()
	uploads := maps.Clone(f.uploads)
	f.mu.RUnlock()
	for id, u := range uploads {
		f.drop(u, id)
	}
	return f.journal.Close()
}

func (f *folder) blobFile(d digest.Digest) string {
	return filepath.Join(f.dir, "blobs", d.Algorithm().String(), d.Encoded())
}

func (f *folder) uploading(id string) string { return filepath.Join(f.dir, "uploads", id) }

// replay brings back the manifests of earlier runs. A last line that a crash
// cut short was never answered, so it is passed over.
func (f *folder) replay() error {
	broken := func(err error) error { return fmt.Errorf("%s: %w", f.journal.Name(), err) }
	known := map[digest.Digest]*kept{}
	lines := bufio.NewReader(f.journal)
	for read := int64(0); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return os.Truncate(f.journal.Name(), read) // Windows shortens no file that is open to append to
		}
		if err != nil {
			return err
		}
		read += int64(len(line))
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return broken(err)
		}
		k := known[e.Digest]
		if e.Digest != "" && k == nil {
			if !artifact.IsContentDigest(e.Digest) {
				return broken(fmt.Errorf("%q is not a digest", e.Digest))
			}
			data, err := os.ReadFile(f.blobFile(e.Digest))
			if err != nil {
				return err
			}
			if k, err = newKept(e.MediaType, e.Digest, data); err != nil {
				continue // an earlier version of this program noted it and then refused it
			}
			known[e.Digest] = k
		}
		f.apply(e, k)
	}
}

func newKept(mediaType string, d digest.Digest, data []byte) (*kept, error) {
	doc, err := artifact.ParseDocument("manifest", mediaType, data)
	if err != nil {
		return nil, err
	}
	k := &kept{desc: ocispec.Descriptor{MediaType: doc.MediaType, Digest: d, Size: int64(len(data)), ArtifactType: doc.Type(), Annotations: doc.Annotations}}
	if doc.Subject != nil {
		k.subject = doc.Subject.Digest
	}
	for _, m := range doc.Manifests {
		if artifact.IsIndex(m.MediaType) || artifact.IsManifest(m.MediaType) {
			k.children = append(k.children, m.Digest)
		}
	}
	return k, nil
}

// apply does what a line of the journal says.
func (f *folder) apply(e entry, k *kept) {
	name, _, reference := split(strings.TrimPrefix(e.Path, "/v2/"))
	c := f.repos[name]
	if c == nil {
		c = &content{tags: map[string]digest.Digest{}, manifests: map[digest.Digest]ocispec.Descriptor{}, referrers: map[digest.Digest][]ocispec.Descriptor{}}
		f.repos[name] = c
	}
	if k != nil {
		c.put(reference, k)
	} else {
		c.remove(reference)
	}
}

func (c *content) put(reference string, k *kept) {
	d := k.desc.Digest
	if _, had := c.manifests[d]; !had && k.subject != "" {
		c.referrers[k.subject] = append(c.referrers[k.subject], k.desc)
	}
	c.manifests[d] = k.desc
	if strings.Contains(reference, ":") {
		return
	}
	c.tags[reference] = d
	if at, had := slices.BinarySearch(c.sorted, reference); !had {
		c.sorted = slices.Insert(c.sorted, at, reference)
	}
}

func (c *content) remove(reference string) {
	gone := func(tag string) bool { return tag == reference }
	if d := digest.Digest(reference); strings.Contains(reference, ":") {
		gone = func(tag string) bool { return c.tags[tag] == d }
		delete(c.manifests, d)
		for subject, list := range c.referrers {
			c.referrers[subject] = slices.DeleteFunc(slices.Clone(list), func(r ocispec.Descriptor) bool { return r.Digest == d })
		}
	}
	c.sorted = slices.DeleteFunc(slices.Clone(c.sorted), gone)
	maps.DeleteFunc(c.tags, func(tag string, _ digest.Digest) bool { return gone(tag) })
}

// resolve returns what a tag or digest names.
func (f *folder) resolve(name, reference string) (ocispec.Descriptor, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	c := f.repos[name]
	if c == nil {
		return ocispec.Descriptor{}, artifact.ErrNotFound
	}
	d, ok := c.tags[reference]
	if !ok {
		d = digest.Digest(reference)
	}
	desc, ok := c.manifests[d]
	if !ok {
		return ocispec.Descriptor{}, artifact.ErrNotFound
	}
	return desc, nil
}

func (f *folder) manifest(name, reference string) (ocispec.Descriptor, []byte, error) {
	desc, err := f.resolve(name, reference)
	if err != nil {
		return desc, nil, err
	}
	data, err := os.ReadFile(f.blobFile(desc.Digest))
	return desc, data, err
}

func (f *folder) repositories() []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Sorted(maps.Keys(f.repos))
}

func (f *folder) tags(name string) ([]string, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.repos[name] == nil {
		return nil, artifact.ErrNotFound
	}
	return slices.Clone(f.repos[name].sorted), nil
}

func (f *folder) referrers(name string, subject digest.Digest) ([]ocispec.Descriptor, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.repos[name] == nil {
		return nil, nil
	}
	return slices.Clone(f.repos[name].referrers[subject]), nil
}

func (f *folder) blob(_ string, d digest.Digest) (io.ReadSeekCloser, int64, error) {
	file, err := os.Open(f.blobFile(d))
	if os.IsNotExist(err) {
		return nil, 0, artifact.ErrNotFound
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}
