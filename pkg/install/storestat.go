package install

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// statName is the file beside an entry's executable that holds the executable's
// stat as it was when its bytes were last known to be right. While the two
// agree, nothing is hashed; the file's own time is when the entry was last used.
const statName = "stat"

func statText(s disk.Stat) string {
	return fmt.Sprintf("%d %d %d %d\n", s.Size, s.Mtime, s.Ctime, s.Inode)
}

// vouched reports whether an entry's file is surely what was stored.
func (s store) vouched(e Entry) bool {
	now, err := disk.Lstat(e.Path)
	if err != nil {
		return false
	}
	then, err := os.ReadFile(filepath.Join(filepath.Dir(e.Path), statName))
	return err == nil && string(then) == statText(now)
}

// vouch notes that an entry's file, whose stat this was before it was read or
// after it was written, is what was stored. That it cannot is no harm: it is
// hashed again then. The temporary file lies where those of the dead are swept.
func (s store) vouch(e Entry, stat disk.Stat) {
	t, err := s.d.CreateTemp(s.dir, statName)
	if err != nil {
		return
	}
	defer t.Discard()
	if _, err := t.Write([]byte(statText(stat))); err != nil {
		return
	}
	if t.Seal(0, false) == nil {
		_ = t.Rename(filepath.Join(filepath.Dir(e.Path), statName))
	}
}
