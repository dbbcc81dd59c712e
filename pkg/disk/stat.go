package disk

import (
	"io/fs"
	"os"
)

// Stat is what tells a file from a changed one without reading it.
type Stat struct {
	Mode  fs.FileMode
	Size  int64  // bytes
	Mtime int64  // nanoseconds since 1970
	Ctime int64  // nanoseconds since 1970; 0 where the system has none
	Inode uint64 // 0 where the system has none
}

// Lstat stats a file, and of a link the link.
func Lstat(path string) (Stat, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Stat{}, err
	}
	s := Stat{Mode: info.Mode(), Size: info.Size(), Mtime: info.ModTime().UnixNano()}
	s.Ctime, s.Inode = change(info)
	return s, nil
}
