package install

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// ItemError is a failure of one item, or of the layer that it needs. Functions
// that work on several items join theirs; Failures takes them apart.
type ItemError struct {
	Item Item
	Err  error
}

func (e *ItemError) Error() string    { return e.Item.Name + ": " + e.Err.Error() }
func (e *ItemError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *ItemError) Unwrap() error    { return e.Err }

// Failures returns the *ItemErrors that err is, wraps or joins, in order.
func Failures(err error) []*ItemError {
	switch e := err.(type) {
	case nil:
		return nil
	case *ItemError:
		return []*ItemError{e}
	case interface{ Unwrap() []error }:
		var all []*ItemError
		for _, one := range e.Unwrap() {
			all = append(all, Failures(one)...)
		}
		return all
	case interface{ Unwrap() error }:
		return Failures(e.Unwrap())
	}
	return nil
}

// breach says which promise a layer breaks.
type breach string

// The kinds of IntegrityError.
const (
	badDigest     breach = "digest"     // the bytes are not those that the lock pins
	badSize       breach = "size"       // more or fewer bytes than the lock says
	badArchive    breach = "archive"    // damaged, hostile, or without the driver; see Reason
	badExecutable breach = "executable" // the executable inside is not the one stated
)

// IntegrityError says that a layer is not what the lock promises. Nothing of
// it is kept.
type IntegrityError struct {
	Layer  Layer
	Cause  breach
	Reason string        // badArchive: what is wrong with it
	Want   digest.Digest // badDigest, badExecutable
	Got    digest.Digest // badDigest, badExecutable
	Size   int64         // badSize: bytes that came; one more than Layer.Size if there were even more
}

func (e *IntegrityError) Error() string {
	subject := cmp.Or(e.Layer.File, string(e.Layer.Digest))
	switch e.Cause {
	case badDigest:
		return fmt.Sprintf("%s: digest mismatch: the lock says %s, the registry sent %s", subject, e.Want, e.Got)
	case badSize:
		if e.Size > e.Layer.Size {
			return fmt.Sprintf("%s: size mismatch: the lock says %d bytes, the registry sent more", subject, e.Layer.Size)
		}
		return fmt.Sprintf("%s: size mismatch: the lock says %d bytes, the registry sent %d", subject, e.Layer.Size, e.Size)
	case badExecutable:
		return fmt.Sprintf("%s: executable mismatch: the lock says %s, the archive holds %s", subject, e.Want, e.Got)
	}
	return fmt.Sprintf("%s: bad archive: %s", subject, e.Reason)
}

func (e *IntegrityError) Kind() fault.Kind { return fault.Integrity }

// ForeignError says that a file which this home did not place is in the way.
type ForeignError struct{ Path string }

func (e *ForeignError) Error() string {
	return e.Path + ": is in the way: it was not installed by this program"
}

func (e *ForeignError) Kind() fault.Kind { return fault.Failure }

// FolderError says that a folder cannot be written to.
type FolderError struct {
	Dir string
	Err error // a *fs.PathError or *disk.LinkError
}

func (e *FolderError) Error() string {
	err := e.Err
	if link, ok := errors.AsType[*disk.LinkError](err); ok {
		return link.Error()
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err // the path within is the folder's, or that of a temporary file
	}
	return fmt.Sprintf("%s: cannot be written to: %v", e.Dir, err)
}

func (e *FolderError) Kind() fault.Kind { return fault.Failure }
func (e *FolderError) Unwrap() error    { return e.Err }

// NoHomeError says that there is no folder for drivers, store and receipts:
// nobody named one, and the environment names no home of the user.
type NoHomeError struct{}

func (*NoHomeError) Error() string    { return "the home folder is not known" }
func (*NoHomeError) Kind() fault.Kind { return fault.Usage }

// SpaceError says that a file system has less room than is surely needed.
type SpaceError struct {
	Dir        string
	Need, Free int64 // bytes
}

func (e *SpaceError) Error() string {
	return fmt.Sprintf("%s: not enough space: at least %d bytes are needed, %d are free", e.Dir, e.Need, e.Free)
}

func (e *SpaceError) Kind() fault.Kind { return fault.Failure }

// UnstagedError says that a layer is not in the store: it was never staged, or
// another process removed it since. Staging again heals it.
type UnstagedError struct{ Layer Layer }

func (e *UnstagedError) Error() string    { return string(e.Layer.Digest) + ": is not in the store" }
func (e *UnstagedError) Kind() fault.Kind { return fault.Failure }

// MarkError says that a receipt which vouches for bytes that are not there could
// not be marked: only whoever hashes the file will see the change.
type MarkError struct{ Err error }

func (e *MarkError) Error() string {
	return "the change could not be recorded: " + e.Err.Error()
}

func (e *MarkError) Kind() fault.Kind { return fault.Failure }
func (e *MarkError) Unwrap() error    { return e.Err }

// ProbeError says that a driver failed its probe and was not placed.
type ProbeError struct {
	Item Item
	Err  error
}

func (e *ProbeError) Error() string    { return "probe failed: " + e.Err.Error() }
func (e *ProbeError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *ProbeError) Unwrap() error    { return e.Err }
