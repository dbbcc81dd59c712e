package publish

import (
	"context"
	"io"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Source is a repository that releases are read from. registry.Repository is
// one.
type Source interface {
	artifact.Reader
	// Name returns the repository as HOST/PATH, without a tag.
	Name() string
	// Tags calls page with every tag, in any order, some at a time. A
	// repository that does not exist is an error that matches
	// artifact.ErrNotFound.
	Tags(ctx context.Context, page func(tags []string) error) error
}

// Target is a repository that releases are written to. What is read from it
// must be its own: a mirror that lags would let a published version be
// written over.
type Target interface {
	Source
	// Exists tells whether the repository has a blob or manifest.
	Exists(ctx context.Context, desc ocispec.Descriptor) (bool, error)
	// PushBlob sends a blob. open is called once for each try and returns the
	// bytes from their beginning.
	PushBlob(ctx context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error
	// Mount makes a blob of another repository, HOST/PATH, one of this
	// repository's without sending it; false where that is another registry's or
	// the registry does not grant it.
	Mount(ctx context.Context, desc ocispec.Descriptor, fromRepository string) (bool, error)
	// PushManifest sends a manifest or index under tags, or under its digest
	// alone where there are none.
	PushManifest(ctx context.Context, desc ocispec.Descriptor, data []byte, tags ...string) error
}

// Stage names what an Event is about.
type Stage string

// The stages, in the order in which a release goes through them.
const (
	StageBuild  Stage = "build"
	StagePack   Stage = "pack"
	StageFetch  Stage = "fetch"
	StageUpload Stage = "upload"
	StageSkip   Stage = "skip" // a blob that the repository has
	StageTag    Stage = "tag"
)

// Event is progress of one subject: a file's title or a tag. Done and Total
// are bytes, zero where a stage begins or has none. Ended says that the stage
// is over for this subject.
type Event struct {
	Stage       Stage
	Subject     string
	Done, Total int64
	Ended       bool
}

// Options are how to publish, where Release is what.
type Options struct {
	Force  bool // publish in place of what a version already holds, and what only warns then (Problem.Forcible)
	DryRun bool // compute and compare, send nothing

	// Host is the platform whose executables can run on this machine.
	Host artifact.Platform
	// Probe runs the executable for Host: it must answer as the driver of the
	// release's name. Without it nothing is run.
	Probe bool

	// Sign signs what is published, after it was sent and before any tag names it:
	// no reader sees a release without its signature. Nil: nothing is signed.
	Sign func(ctx context.Context, desc ocispec.Descriptor) error

	Temp     string      // folder for archives while they are sent; "" is the system's
	Parallel int         // files and requests at once; 0 is 4
	Events   func(Event) // called from several goroutines; may be nil
}

func (o Options) parallel() int {
	if o.Parallel > 0 {
		return o.Parallel
	}
	return 4
}

func (o Options) event(e Event) {
	if o.Events != nil {
		o.Events(e)
	}
}
