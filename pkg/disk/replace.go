package disk

import (
	"errors"
	"os"
	"path/filepath"
)

// replaceBusy renames where a running executable can be renamed but not
// replaced, as on Windows: it moves that aside first, under the name of a
// temporary file, which the next sweep removes once nothing runs it any more.
// rename is os.Rename, or what a test has in its place.
func replaceBusy(from, to string, rename func(from, to string) error) error {
	err := rename(from, to)
	if err == nil {
		return nil
	}
	aside := filepath.Join(filepath.Dir(to), tempName(filepath.Base(to)))
	if rename(to, aside) != nil {
		return err // not busy, then
	}
	if err := rename(from, to); err != nil {
		return errors.Join(err, rename(aside, to))
	}
	os.Remove(aside) // fails as long as it runs
	return nil
}
