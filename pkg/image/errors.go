package image

import (
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// UnknownError says that the image of a lock is not known before some of its layers
// have been read.
type UnknownError struct{ Layers []Unknown }

// Unknown is a layer of which something has to be known.
type Unknown struct {
	Layer
	Facts bool // what it is, and not only what it becomes when it is packed again
}

func (e *UnknownError) Error() string {
	texts := make([]string, len(e.Layers))
	for i, l := range e.Layers {
		texts[i] = l.Plugin + " for " + l.Locked.Platform.String()
	}
	return "digest of the image: not known before these layers have been read: " + strings.Join(texts, ", ")
}

func (e *UnknownError) Kind() fault.Kind { return fault.Failure }

// NoPlatformError says that a lock has no driver for linux, or not every driver for
// a platform that was asked for.
type NoPlatformError struct {
	Platform artifact.Platform   // zero: linux
	Has      []artifact.Platform // of linux
	Lack     []string            // drivers that have none for Platform; empty: none has
}

func (e *NoPlatformError) Error() string {
	switch {
	case e.Platform.IsZero():
		return "image: the lock has no driver for linux, which is what containers run"
	case len(e.Lack) > 0:
		return fmt.Sprintf("image: the lock has no %s for %s", strings.Join(e.Lack, ", "), e.Platform)
	}
	return fmt.Sprintf("image: the lock has no driver for %s; it has %s", e.Platform, artifact.JoinPlatforms(e.Has))
}

func (e *NoPlatformError) Kind() fault.Kind { return fault.Unsatisfied }

// PathError says that two drivers would put something at one path of an image.
type PathError struct {
	Path    string
	Plugins [2]string
}

func (e *PathError) Error() string {
	return fmt.Sprintf("image: %s and %s both claim the path %s", e.Plugins[0], e.Plugins[1], e.Path)
}

func (e *PathError) Kind() fault.Kind { return fault.Failure }

// BaseError says why something can be no base.
type BaseError struct {
	Name    string
	Problem string
}

func (e *BaseError) Error() string    { return "base " + e.Name + ": " + e.Problem }
func (e *BaseError) Kind() fault.Kind { return fault.Failure }

// BasePlatformError says that a base has no image for what is wanted.
type BasePlatformError struct {
	Name   string
	Wanted []artifact.Platform
	Has    []artifact.Platform
	Both   []artifact.Platform // of Has those that the lock has too
}

func (e *BasePlatformError) Error() string {
	return fmt.Sprintf("base %s: has no image for %s; it has %s", e.Name, artifact.JoinPlatforms(e.Wanted), artifact.JoinPlatforms(e.Has))
}

func (e *BasePlatformError) Kind() fault.Kind { return fault.Unsatisfied }
