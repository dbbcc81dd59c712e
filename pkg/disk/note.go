package disk

import (
	"os"
	"path/filepath"
)

// Note adds data to the end of a file that only ever saves work, in one write, so that
// processes at the same time lose nothing of each other. A file of more than limit
// bytes is begun again. What cannot be written has to be found out again.
func (d Disk) Note(file string, data []byte, limit int64) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(file); err == nil && info.Size() > limit {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	if d.MkdirAll(filepath.Dir(file)) != nil {
		return
	}
	if f, err := os.OpenFile(file, flags, 0o666); err == nil {
		_, _ = f.Write(data)
		f.Close()
	}
}
