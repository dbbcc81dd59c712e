package ocilayout

import (
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Error says why a layout or bundle cannot be used at all.
type Error struct {
	Path     string // file or folder
	Problem  string
	NoLayout bool // it is something else altogether
}

func (e *Error) Error() string    { return e.Path + ": " + e.Problem }
func (e *Error) Kind() fault.Kind { return fault.Integrity }

// MissingError says that a layout lacks a blob or manifest which something, one of
// its manifests or a lock, names. It matches artifact.ErrNotFound.
type MissingError struct {
	Layout     string // file or folder
	Repository string
	Digest     digest.Digest
}

func (e *MissingError) Error() string {
	return e.Layout + ": lacks " + artifact.Reference(e.Repository, e.Digest.String())
}

func (e *MissingError) Kind() fault.Kind { return fault.Failure }

// Is matches artifact.ErrNotFound.
func (e *MissingError) Is(target error) bool { return target == artifact.ErrNotFound }

// NotFoundError says that a layout has nothing of a repository, or no such tag of
// it. It matches artifact.ErrNotFound.
type NotFoundError struct {
	Repository string
	Tag        string // "" for the repository
}

func (e *NotFoundError) Error() string {
	return artifact.Reference(e.Repository, e.Tag) + ": not found"
}

func (e *NotFoundError) Kind() fault.Kind { return fault.Unsatisfied }

// Is matches artifact.ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == artifact.ErrNotFound }

// NoLayoutError says that there is nothing where a layout should be.
type NoLayoutError struct {
	Repository string // oci-layout:DIR/NAME
	Dir        string
}

func (e *NoLayoutError) Error() string    { return e.Repository + ": " + e.Dir + " does not exist" }
func (e *NoLayoutError) Kind() fault.Kind { return fault.Failure }

// FolderError says why a folder cannot be kept as a layout.
type FolderError struct {
	Folder  string
	Problem string
}

func (e *FolderError) Error() string    { return e.Folder + ": " + e.Problem }
func (e *FolderError) Kind() fault.Kind { return fault.Failure }

// FileError says why a file is not replaced by a bundle.
type FileError struct {
	File    string
	Problem string
}

func (e *FileError) Error() string    { return e.File + ": " + e.Problem }
func (e *FileError) Kind() fault.Kind { return fault.Failure }
