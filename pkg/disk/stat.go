package disk

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Stat is what shows that a file has changed without reading it.
type Stat struct {
	Mode  fs.FileMode
	Size  int64  // bytes
	Mtime int64  // nanoseconds since 1970
	Ctime int64  // nanoseconds since 1970; 0 if the system has none
	Inode uint64 // 0 if the system has none
	Links uint64 // the names that the file has; 0 if the system does not say
}

// SameBytes reports whether nothing wrote to the file between two stats of it, as
// far as its size, time and number say: its names and mode may have changed.
func (s Stat) SameBytes(o Stat) bool {
	return s.Size == o.Size && s.Mtime == o.Mtime && s.Inode == o.Inode
}

// Lstat stats a file, and of a link the link.
func Lstat(path string) (Stat, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Stat{}, err
	}
	s := Stat{Mode: info.Mode(), Size: info.Size(), Mtime: info.ModTime().UnixNano()}
	s.Ctime, s.Inode, s.Links = change(info)
	return s, nil
}

// Free returns the bytes that this user can still write to the file system that
// holds dir, or will once dir is made, and that file system's number; false if
// it is unknown.
func Free(dir string) (bytes int64, dev uint64, ok bool) {
	for {
		if _, err := os.Stat(dir); err == nil {
			return free(dir)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return 0, 0, false
		}
		dir = up
	}
}

// SameFile reports whether two names lead to one file, through whatever links.
func SameFile(x, y string) bool {
	a, err := os.Stat(x)
	if err != nil {
		return false
	}
	b, err := os.Stat(y)
	return err == nil && os.SameFile(a, b)
}
