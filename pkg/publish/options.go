package publish

import (
	"context"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Options are how to publish, where Release is what.
type Options struct {
	Force          bool // publish in place of what a version already holds, and what only warns then (Problem.Forcible)
	DryRun         bool // compute and compare, send nothing
	NoFloatingTags bool // leave X.Y, X and latest where they are
	NoSBOM         bool // attach none
	HostTags       bool // set X.Y.Z-ARCH, X.Y-ARCH and X-ARCH too, which the host asks for

	// Host is the platform whose executables can run on this machine.
	Host artifact.Platform
	// Probe runs the executable for Host: it must answer as the driver of the
	// release's name. Without it nothing is run.
	Probe bool

	// Sign signs what is published, after it was sent and before any tag names it:
	// no reader sees a release without its signature. Nil: nothing is signed.
	Sign func(ctx context.Context, desc ocispec.Descriptor) error

	Temp   string      // folder for executables and archives while they are sent
	Events func(Event) // called from several goroutines; may be nil
}

// atOnce is how many files are packed, and requests made, at a time.
const atOnce = 4

func (o Options) event(e Event) {
	if o.Events != nil {
		o.Events(e)
	}
}

// temp makes a folder in o.Temp.
func (o Options) temp() (dir string, remove func(), err error) {
	return disk.Disk{}.TempFolder(o.Temp, "schemahero-push-")
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
// are bytes, zero if a stage begins or has none. Ended says that the stage
// is over for this subject.
type Event struct {
	Stage       Stage
	Subject     string
	Done, Total int64
	Ended       bool
}
