package publish

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
)

// NoFilesError says that a folder holds no archive of a driver, or of any
// driver where Name is "".
type NoFilesError struct{ Dir, Name string }

func (e *NoFilesError) Error() string {
	return fmt.Sprintf("%s: holds no schemahero-%s-OS-ARCH.tar.gz", e.Dir, cmp.Or(e.Name, "NAME"))
}

func (e *NoFilesError) Kind() fault.Kind { return fault.Failure }

// FromDist finds the archives of a driver that Build wrote to a folder, and
// holds each against the .sha256 file beside it. The result is for
// Release.Files. Errors: *NoFilesError, *FileError, *artifact.SumError,
// *artifact.FormatError, the disk's.
func FromDist(dir, name string) (map[artifact.Platform]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &NoFilesError{dir, name}
	}
	if err != nil {
		return nil, err
	}
	files := map[artifact.Platform]string{}
	for _, e := range entries {
		of, p, ok := cutArchive(e.Name())
		if !ok || of != name {
			continue
		}
		file := filepath.Join(dir, e.Name())
		if other := files[p]; other != "" {
			return nil, &FileError{file, fmt.Sprintf("is for %s, as %s is", p, filepath.Base(other))}
		}
		if err := checkSum(file); err != nil {
			return nil, err
		}
		files[p] = file
	}
	if len(files) == 0 {
		return nil, &NoFilesError{dir, name}
	}
	return files, nil
}

// ListDist returns the names of the drivers whose archives are in a folder,
// sorted. Errors: *NoFilesError if there is none, the disk's.
func ListDist(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name, _, ok := cutArchive(e.Name())
		if ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, &NoFilesError{Dir: dir}
	}
	slices.Sort(names)
	return names, nil
}

// cutArchive splits the name of an archive, schemahero-NAME-OS-ARCH.tar.gz.
func cutArchive(file string) (name string, p artifact.Platform, ok bool) {
	base, ok := strings.CutSuffix(file, ".tar.gz")
	if !ok {
		if base, ok = strings.CutSuffix(file, ".tar.zst"); !ok {
			return "", p, false
		}
	}
	before, p, ok := artifact.CutPlatform(base)
	if !ok {
		return "", p, false
	}
	name, ok = strings.CutPrefix(before, "schemahero-")
	return name, p, ok && artifact.CheckName(name) == nil
}

// checkSum holds a file against FILE.sha256. If that is missing the build
// did not come to its end.
func checkSum(file string) error {
	base := filepath.Base(file)
	text, err := os.ReadFile(file + ".sha256")
	if errors.Is(err, os.ErrNotExist) {
		return &FileError{file, "has no " + base + ".sha256 beside it"}
	}
	if err != nil {
		return err
	}
	stated, err := artifact.ParseSum(string(text), base)
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != stated {
		return &artifact.SumError{File: base, Stated: stated, Computed: got}
	}
	return nil
}

// writeSum writes the .sha256 file beside an archive.
func writeSum(a Archive) error {
	return disk.Disk{}.WriteFile(a.Path+".sha256", []byte(a.sum()), inDist)
}

// removeOther removes what an earlier build packed for the same platform with
// another compression, which FromDist would find beside the new one.
func removeOther(dir, name string, p artifact.Platform, c pack.Compression) error {
	for _, other := range []pack.Compression{pack.Gzip, pack.Zstd} {
		if other == c {
			continue
		}
		file := filepath.Join(dir, archiveTitle(name, p, other))
		for _, f := range []string{file, file + ".sha256"} {
			if err := (disk.Disk{}).Remove(f); err != nil {
				return err
			}
		}
	}
	return nil
}
