package install

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// Entry is a layer in the store.
type Entry struct {
	Layer      digest.Digest
	Executable digest.Digest
	Size       int64     // of the executable, bytes
	Path       string    // of the executable in the store
	Used       time.Time // when it was last placed, or else stored
	Kept       int64     // of the layer beside it, bytes; only from list
	quick      uint32    // of the executable, see quickSum; only for put
}

// store holds extracted executables. An entry is a folder ALGORITHM/HEX, after
// the layer's digest, with a file HEX-SIZE, the executable, named by its own
// SHA-256 and size: so it appears in one rename, whole, with all that is known
// about it. One that changed afterwards shows in its stat (see statName), and is
// made again from the layer beside it, if that is kept (see layerName).
type store struct {
	dir      string
	d        disk.Disk
	changing *sync.Mutex // held while the stat of an executable and the note of it may differ
}

func (s store) folder(layer digest.Digest) string {
	return filepath.Join(s.dir, layer.Algorithm().String(), layer.Encoded())
}

func entryName(executable digest.Digest, size int64) string {
	return executable.Encoded() + "-" + strconv.FormatInt(size, 10)
}

// lookup returns the entry of a layer, whose digest must be valid. Nothing is
// hashed.
func (s store) lookup(layer digest.Digest) (Entry, bool) {
	if e, ok := s.find(layer); ok {
		return e, true
	}
	return Entry{}, false
}

// find is lookup, but returns what there is of a broken entry too. Without an
// executable, Path is the folder.
func (s store) find(layer digest.Digest) (e Entry, ok bool) {
	dir := s.folder(layer)
	e = Entry{Layer: layer, Path: dir}
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		sum, length, _ := strings.Cut(f.Name(), "-")
		size, err := strconv.ParseInt(length, 10, 64)
		executable := digest.NewDigestFromEncoded(digest.SHA256, sum)
		if err != nil || executable.Validate() != nil || f.Name() != entryName(executable, size) {
			continue
		}
		e = Entry{Layer: layer, Executable: executable, Size: size, Path: filepath.Join(dir, f.Name())}
		if info, err := f.Info(); err == nil && info.Mode().IsRegular() && info.Size() == size {
			e.Used = info.ModTime()
			if info, err := os.Lstat(filepath.Join(dir, statName)); err == nil {
				e.Used = info.ModTime()
			}
			return e, true
		}
	}
	return e, false
}

// Stored returns what the store has of a layer. Nothing is hashed.
func (h Home) Stored(layer digest.Digest) (Entry, bool) {
	if h.dir == "" || layer.Validate() != nil {
		return Entry{}, false
	}
	return store{dir: h.Store()}.lookup(layer)
}

// put makes t, which is sealed, the executable of a layer's entry, replacing any
// other, and kept the layer beside it. If kept is nil, a layer that is there stays.
// The caller holds the layer's lock.
func (s store) put(t, kept *disk.Temp, e Entry) error {
	dir := s.folder(e.Layer)
	name := entryName(e.Executable, e.Size)
	e.Path = filepath.Join(dir, name)
	if err := s.d.MkdirAll(dir); err != nil {
		return err
	}
	if kept != nil {
		old := filepath.Join(dir, layerName)
		if err := s.d.RemoveAll(old); err != nil { // whatever it is
			return err
		}
		if err := kept.Rename(old); err != nil {
			return err
		}
	}
	if info, err := os.Lstat(e.Path); err == nil && info.IsDir() {
		if err := s.d.RemoveAll(e.Path); err != nil {
			return err
		}
	}
	if err := t.Rename(e.Path); err != nil {
		return err
	}
	others, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.Name() != name && o.Name() != layerName {
			if err := s.d.RemoveAll(filepath.Join(dir, o.Name())); err != nil {
				return err
			}
		}
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := s.d.SyncDir(d); err != nil {
			return err
		}
	}
	if stat, err := disk.Lstat(e.Path); err == nil {
		s.vouch(e, note{stat, e.quick})
	}
	return nil
}

// layerName is the file beside an entry's executable that holds the layer as it was
// fetched. It is kept if installed files are hard links to the executable: an edit in
// place changes both. It is not synced to the disk, so it may be torn; its digest
// decides when it is read.
const layerName = "layer"

// keeps reports whether a layer is kept. It looks at no more than its size.
func (s store) keeps(l Layer) bool {
	info, err := os.Lstat(filepath.Join(s.folder(l.Digest), layerName))
	return err == nil && info.Mode().IsRegular() && info.Size() == l.Size
}

// sound reports whether an entry's file is what its name says. If its stat does
// not show it, or again is set, it is hashed.
func (s store) sound(ctx context.Context, e Entry, again bool) bool {
	if !again && s.vouched(e) {
		return true
	}
	stat, err := disk.Lstat(e.Path)
	if err != nil {
		return false
	}
	// If somebody removed an installed file by hand, the link count changed, and with
	// it the ctime, which may hide that the file was written to before.
	then, ok := s.noted(e.Layer)
	if ok && !again && then.SameBytes(stat) && then.Links != stat.Links {
		if quick, err := quickSum(ctx, e.Path); err == nil && quick == then.quick {
			s.vouch(e, note{stat, quick})
			return true
		}
	}
	if sum, err := Hash(ctx, e.Path); err != nil || sum != e.Executable {
		return false
	}
	quick, err := quickSum(ctx, e.Path)
	if err != nil {
		return false
	}
	s.vouch(e, note{stat, quick})
	return true
}

// touch records that an entry is in use; a failure is ignored.
func (s store) touch(e Entry, now time.Time) {
	_ = os.Chtimes(filepath.Join(filepath.Dir(e.Path), statName), now, now)
}

// remove deletes an entry.
func (s store) remove(e Entry) error { return s.d.RemoveAll(s.folder(e.Layer)) }

// list returns all entries, spoiled ones too, by algorithm and digest.
func (s store) list() ([]Entry, error) {
	var all []Entry
	err := eachFolder(s.dir, func(algorithm string) error {
		return eachFolder(filepath.Join(s.dir, algorithm), func(hex string) error {
			layer := digest.NewDigestFromEncoded(digest.Algorithm(algorithm), hex)
			if layer.Validate() != nil {
				return nil
			}
			e, _ := s.find(layer)
			if info, err := os.Lstat(filepath.Join(s.folder(layer), layerName)); err == nil {
				e.Kept = info.Size()
			}
			all = append(all, e)
			return nil
		})
	})
	return all, err
}

// eachFolder calls f with the names of dir's folders, sorted. A dir that
// does not exist is empty.
func eachFolder(dir string, f func(name string) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, e := range entries {
		if e.Type() == fs.ModeDir {
			if err := f(e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkLayer refuses a digest that could lead out of the store.
func checkLayer(l Layer) error {
	if err := l.Digest.Validate(); err != nil {
		return fmt.Errorf("layer %q: %w", l.Digest, err)
	}
	return nil
}

// statName is the file beside an entry's executable that holds the executable's
// stat as it was when its bytes were last known to be right. While the two
// agree, nothing is hashed; the file's own time is when the entry was last used.
const statName = "stat"

// note is what is in it.
type note struct {
	disk.Stat
	quick uint32 // see quickSum
}

const noteFormat = "%d %d %d %d %d %08x\n"

func (n note) String() string {
	return fmt.Sprintf(noteFormat, n.Size, n.Mtime, n.Ctime, n.Inode, n.Links, n.quick)
}

// noted returns what is noted of a layer's executable.
func (s store) noted(layer digest.Digest) (n note, ok bool) {
	data, err := os.ReadFile(filepath.Join(s.folder(layer), statName))
	if err != nil {
		return note{}, false
	}
	_, err = fmt.Sscanf(string(data), noteFormat, &n.Size, &n.Mtime, &n.Ctime, &n.Inode, &n.Links, &n.quick)
	return n, err == nil
}

// notes reports whether a file with this stat, in the store or linked to it, is surely
// the executable that was stored for a layer.
func (s store) notes(layer digest.Digest, stat disk.Stat) bool {
	then, ok := s.noted(layer)
	return ok && then.SameBytes(stat) && then.Ctime == stat.Ctime
}

// vouched reports whether an entry's file is surely what was stored.
func (s store) vouched(e Entry) bool {
	s.changing.Lock()
	defer s.changing.Unlock()
	now, err := disk.Lstat(e.Path)
	return err == nil && s.notes(e.Layer, now)
}

// doubt makes the next look at a layer's executable hash it.
func (s store) doubt(layer digest.Digest) error {
	return s.d.Remove(filepath.Join(s.folder(layer), statName))
}

// steady calls do, which adds or removes links. If they are links to the store's file,
// its ctime changes for every receipt of it, so the note that all of those are
// compared with is written again, if it was true before and nothing wrote to the file.
func (s store) steady(layers []digest.Digest, do func() error) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	entries, before := make([]Entry, len(layers)), make([]note, len(layers))
	for i, layer := range layers {
		if e, ok := s.lookup(layer); ok {
			stat, err := disk.Lstat(e.Path)
			if then, ok := s.noted(layer); ok && err == nil && then.SameBytes(stat) && then.Ctime == stat.Ctime {
				entries[i], before[i] = e, then
			}
		}
	}
	err := do()
	for i, e := range entries {
		if e.Path == "" {
			continue
		}
		now, err := disk.Lstat(e.Path)
		if err == nil && now.Ctime != before[i].Ctime && now.SameBytes(before[i].Stat) {
			s.vouch(e, note{now, before[i].quick})
			s.touch(e, e.Used)
		}
	}
	return err
}

// vouch notes that an entry's file, whose stat this was before it was read or
// after it was written, is what was stored. A failure is ignored: it is
// hashed again then. The temporary file lies where those of the dead are swept.
func (s store) vouch(e Entry, n note) {
	t, err := s.d.CreateTemp(s.dir, statName)
	if err != nil {
		return
	}
	defer t.Discard()
	if _, err := t.Write([]byte(n.String())); err != nil {
		return
	}
	if t.Seal(0, false) == nil {
		_ = t.Rename(filepath.Join(filepath.Dir(e.Path), statName))
	}
}
