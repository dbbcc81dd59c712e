package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/singleflight"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// maxKept is how many bytes of manifests are held in memory.
const maxKept = 8 << 20

// manifestCache keeps manifests by digest, in memory and in a folder:
//
//	ALGORITHM/HEX  a manifest
//	tags/HEX       the digest that a tag named when last seen; HEX is the SHA-256 of REPOSITORY:TAG
//
// What is in the folder is checked when it is read, so that several processes
// can write there and a damaged file is only a miss.
type manifestCache struct {
	dir string // "": memory only

	broken  atomic.Bool // the folder takes no files
	flights singleflight.Group

	mu   sync.Mutex
	kept map[digest.Digest]manifest
	size int
}

// once runs read once for all who ask for the same key at the same time. If the
// caller who runs it gives up, the others try for themselves.
func (c *manifestCache) once(ctx context.Context, key string, read func() (manifest, error)) (manifest, error) {
	for {
		select {
		case <-ctx.Done():
			return manifest{}, ctx.Err()
		case r := <-c.flights.DoChan(key, func() (any, error) { return read() }):
			if wire.IsContext(r.Err) && ctx.Err() == nil {
				continue
			}
			return r.Val.(manifest), r.Err
		}
	}
}

func (c *manifestCache) path(d digest.Digest) string {
	return filepath.Join(c.dir, d.Algorithm().String(), d.Encoded())
}

// get returns a manifest that was kept.
func (c *manifestCache) get(d digest.Digest) (manifest, bool) {
	c.mu.Lock()
	m, ok := c.kept[d]
	c.mu.Unlock()
	if ok || c.dir == "" {
		return m, ok
	}
	info, err := os.Stat(c.path(d))
	if err != nil || !info.Mode().IsRegular() || info.Size() > artifact.MaxManifest {
		return manifest{}, false
	}
	data, err := os.ReadFile(c.path(d))
	if err != nil {
		return manifest{}, false
	}
	if d.Algorithm().FromBytes(data) != d {
		disk.Discard(c.path(d)) // cut short when it was written; put then writes it again
		return manifest{}, false
	}
	m = newManifest(d, data, "")
	c.keep(m)
	return m, true
}

func (c *manifestCache) keep(m manifest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.kept[m.desc.Digest]; ok || c.size+len(m.data) > maxKept {
		return
	}
	if c.kept == nil {
		c.kept = map[digest.Digest]manifest{}
	}
	c.kept[m.desc.Digest] = m
	c.size += len(m.data)
}

// put keeps a manifest. One that does not state its media type is not written
// to the folder: read back, it could be taken for something else. After a failure
// nothing more is written to it, and nothing said of that.
func (c *manifestCache) put(m manifest) error {
	c.keep(m)
	if c.dir == "" || newManifest(m.desc.Digest, m.data, "").desc.MediaType != m.desc.MediaType {
		return nil
	}
	if c.broken.Load() {
		return nil
	}
	path := c.path(m.desc.Digest)
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(m.data)) {
		return nil
	}
	err := writeFile(path, m.data)
	if err == nil || !c.broken.CompareAndSwap(false, true) {
		return nil
	}
	return fmt.Errorf("manifests are not cached: %w", err)
}

func (c *manifestCache) tagPath(repository, tag string) string {
	sum := sha256.Sum256([]byte(repository + ":" + tag))
	return filepath.Join(c.dir, "tags", hex.EncodeToString(sum[:]))
}

// remembers reports whether a tag was read before and named a manifest that is
// still kept.
func (c *manifestCache) remembers(repository, tag string) bool {
	if c.dir == "" {
		return false
	}
	data, err := os.ReadFile(c.tagPath(repository, tag))
	if d := digest.Digest(data); err == nil && artifact.IsContentDigest(d) {
		_, ok := c.get(d)
		return ok
	}
	return false
}

// remember keeps what a tag named. It only saves a GET, so a failure to
// write it is ignored.
func (c *manifestCache) remember(repository, tag string, d digest.Digest) {
	if c.dir == "" || c.broken.Load() {
		return
	}
	path := c.tagPath(repository, tag)
	if old, err := os.ReadFile(path); err != nil || string(old) != d.String() {
		_ = writeFile(path, []byte(d.String()))
	}
}

// writeFile writes a file of the cache in place, so that a process that is
// killed leaves no other name behind. What is cut short is found out when it is
// read, since everything is checked against its digest, and is then fetched again.
func writeFile(path string, data []byte) error {
	if err := (disk.Disk{}).MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o666)
}
