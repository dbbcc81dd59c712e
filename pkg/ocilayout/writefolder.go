package ocilayout

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// Written is what WriteFolder did.
type Written struct {
	Added   []string // files with slashes, in their order
	Removed []string
	Kept    int   // files that were there
	Bytes   int64 // of what was added
}

// WriteFolder makes a folder the bundle's layout, unpacked. What is there and
// right stays untouched, what is missing is fetched, and what the lock no longer
// names is removed last. Of several runs on one folder one works and the others
// wait, and call wait before they do. Errors: *FolderError for a folder that holds something
// else; fetch's; the file system's.
func (b *Bundle) WriteFolder(ctx context.Context, dir string, fetch Fetch, wait func()) (*Written, error) {
	if err := CheckFolder(dir); err != nil {
		return nil, err
	}
	var d disk.Disk
	// The lock is on the folder itself, so that it leaves no file to be committed.
	lock, err := d.LockFolder(ctx, dir, wait)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Unlock() }()
	_, _ = d.Sweep(dir) // what it cannot remove, the next run tries again
	parts := b.parts()
	done := make([]bool, len(parts))
	var mu sync.Mutex
	out := &Written{}
	put := func(ctx context.Context, i int) error {
		if p := parts[i]; !p.there(dir) {
			if err := p.place(ctx, dir, fetch); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done[i] = true
			out.Bytes += p.size
		}
		return nil
	}
	// The blobs before index.json: at no time does it name what is not there.
	beside := 3 + len(b.Others)
	for _, batch := range batches(parts[beside:]) {
		err := each(ctx, len(batch), func(ctx context.Context, i int) error { return put(ctx, batch[i]+beside) })
		if err != nil {
			return nil, err
		}
	}
	for i := beside - 1; i >= 0; i-- {
		if err := put(ctx, i); err != nil {
			return nil, err
		}
	}
	wanted := map[string]bool{}
	for i, p := range parts {
		wanted[p.name] = true
		if done[i] {
			out.Added = append(out.Added, p.name)
		} else {
			out.Kept++
		}
	}
	return out, out.sweep(dir, wanted)
}

// CheckFolder refuses a folder that is something else than a layout of ours,
// since what the lock does not name is removed from it. It makes a missing one.
// Errors: *FolderError, the file system's.
func CheckFolder(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(list) == 0 {
		return os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return err
	}
	for _, name := range []string{ocispec.ImageBlobsDir, ocispec.ImageBlobsDir + "/sha256"} {
		if info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil && !info.IsDir() {
			return &FolderError{dir, name + " in it is not a directory: nothing is written through a link"}
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, ocispec.ImageIndexFile))
	if errors.Is(err, fs.ErrNotExist) && begun(list) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &FolderError{dir, "is neither empty nor an OCI image layout"}
	}
	if err != nil {
		return err
	}
	index, err := artifact.ParseDocument(ocispec.ImageIndexFile, ocispec.MediaTypeImageIndex, data)
	if err != nil || index.Annotations[AnnotationLock] == "" && len(index.Manifests) > 0 {
		return &FolderError{dir, "is an OCI image layout that this program did not write"}
	}
	return nil
}

// begun reports whether a folder holds nothing but git's own files, and what a run
// leaves that was cut before it wrote index.json: that writes blobs first.
func begun(list []os.DirEntry) bool {
	blobs := slices.ContainsFunc(list, func(d os.DirEntry) bool { return d.Name() == ocispec.ImageBlobsDir })
	return !slices.ContainsFunc(list, func(d os.DirEntry) bool {
		switch name := d.Name(); name {
		case ".gitkeep", ".gitignore", ".gitattributes":
			return d.IsDir()
		case ocispec.ImageBlobsDir:
			return !d.IsDir()
		case LockFile, ocispec.ImageLayoutFile:
			return d.IsDir() || !blobs
		default:
			ours := disk.IsTemp(name) || strings.HasPrefix(name, toolName) || isOther(name)
			return d.IsDir() || !ours
		}
	})
}

// there reports whether a part stands in the folder as it should.
func (p part) there(dir string) bool {
	file := filepath.Join(dir, filepath.FromSlash(p.name))
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() != p.size {
		return false
	}
	if p.data != nil {
		data, err := os.ReadFile(file)
		return err == nil && bytes.Equal(data, p.data)
	}
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	v := p.sum.Verifier()
	_, err = io.Copy(v, f)
	return err == nil && v.Verified()
}

// place writes one file of the folder.
func (p part) place(ctx context.Context, dir string, fetch Fetch) error {
	file := filepath.Join(dir, filepath.FromSlash(p.name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	how := disk.Writing{Mode: fs.FileMode(p.mode), Durability: disk.Bytes}
	return disk.Disk{}.Replace(file, how, func(t *disk.Temp) error { return p.fill(ctx, t, fetch) })
}

// sweep removes blobs, tools and locks that the bundle does not have, and what a cut run
// left. Other files beside them, such as a README, are somebody's.
func (w *Written) sweep(dir string, wanted map[string]bool) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if d.IsDir() {
			if name != "." && name != ocispec.ImageBlobsDir && !strings.HasPrefix(name, ocispec.ImageBlobsDir+"/") {
				return fs.SkipDir
			}
			return nil
		}
		ours := strings.HasPrefix(name, ocispec.ImageBlobsDir+"/") || strings.HasPrefix(name, toolName) || isOther(name)
		if !ours || wanted[name] || name == LockFile {
			return nil
		}
		w.Removed = append(w.Removed, name)
		return disk.Disk{}.Remove(path)
	})
}
