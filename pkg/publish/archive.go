package publish

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

func mediaType(c pack.Compression) string {
	if c == pack.Zstd {
		return "application/zstd"
	}
	return "application/gzip"
}

// archiveTitle is schemahero-NAME-OS-ARCH.tar.gz, or .tar.zst.
func archiveTitle(name string, p artifact.Platform, c pack.Compression) string {
	t := p.Archive(name)
	if c == pack.Zstd {
		t = strings.TrimSuffix(t, ".gz") + ".zst"
	}
	return t
}

// Archive is a packed executable on disk.
type Archive struct {
	Platform       artifact.Platform
	Path           string // where the archive is
	Title          string // schemahero-NAME-OS-ARCH.tar.gz
	MediaType      string
	Digest         digest.Digest // of the archive
	Size           int64         // of the archive, in bytes
	Executable     digest.Digest // of the executable inside
	ExecutableSize int64         // in bytes
}

// sum returns the text of the .sha256 file beside the archive, as sha256sum(1)
// writes it.
func (a Archive) sum() string { return a.Digest.Encoded() + "  " + a.Title + "\n" }

// inDist is for files that another build makes again: a loss of power may take
// them.
var inDist = disk.Writing{Mode: 0o644, Durability: disk.Loose}

// packFile writes dir/schemahero-NAME-OS-ARCH.tar.gz (.tar.zst), which holds the
// executable as schemahero-NAME-OS-ARCH[.exe], as today's releases do. Its
// bytes depend on nothing but the executable, the name and the platform. The file
// appears whole or not at all.
func packFile(ctx context.Context, name string, p artifact.Platform, executable, dir string, c pack.Compression) (Archive, error) {
	a := Archive{Platform: p, Title: archiveTitle(name, p, c), MediaType: mediaType(c)}
	a.Path = filepath.Join(dir, a.Title)
	in, err := os.Open(executable)
	if err != nil {
		return a, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return a, err
	}
	if !info.Mode().IsRegular() {
		return a, &FileError{executable, "is not a regular file"}
	}
	a.ExecutableSize = info.Size()
	err = disk.Disk{}.Replace(a.Path, inDist, func(w *disk.Temp) error {
		packed, err := pack.Write(w, registry.Watched(ctx, in, nil), a.ExecutableSize, pack.EntryName(name, p), c)
		if errors.Is(err, pack.ErrChanged) {
			return &FileError{executable, err.Error()}
		}
		if err != nil {
			return err
		}
		a.Executable, a.Digest, a.Size = packed.Executable, packed.Digest, packed.Size
		// What grows more than this on the way back, no sync would take.
		var bomb *unpack.Error
		if err := unpack.CheckSize(a.Size, pack.Size(a.ExecutableSize)); errors.As(err, &bomb) {
			return &LintError{Name: name, Problems: []Problem{{ProblemArchive, executable, "its archive " + bomb.Reason}}}
		}
		return nil
	})
	return a, err
}

// FileError says what is wrong with a file.
type FileError struct {
	File    string
	Problem string
}

func (e *FileError) Error() string    { return e.File + ": " + e.Problem }
func (e *FileError) Kind() fault.Kind { return fault.Failure }
