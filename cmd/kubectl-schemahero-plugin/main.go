// Command kubectl-schemahero-plugin is the package manager for SchemaHero's
// database drivers. kubectl runs it as `kubectl schemahero plugin`.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli"
)

// The build sets both with -ldflags "-X main.version=X.Y.Z -X main.revision=COMMIT":
// what git says, without Go's own stamp, which a checkout of another user refuses.
var (
	version  = "dev"
	revision string
)

// grace is how long the program runs before memory is collected as usual. Most
// runs have ended by then, and what they would throw away is not worth looking
// for; the others have far to go.
const grace = 50 * time.Millisecond

// memory is what the program's data shall fit into, in bytes. With more than
// that to do it collects more often; it is no limit to what can be done.
const memory = 32 << 20

func main() {
	usual := debug.SetGCPercent(400)
	time.AfterFunc(grace, func() {
		debug.SetMemoryLimit(memory)
		debug.SetGCPercent(usual)
	})
	os.Exit(run(program()))
}

func run(p cli.Program) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second interrupt ends the process at once: the first has asked politely.
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, p)
}

// program is this process as the command line sees it.
func program() cli.Program {
	dir, err := os.Getwd()
	return cli.Program{
		Process: cli.Process{
			Args:      os.Args,
			Version:   version,
			Revision:  revision,
			Directory: dir,
			DirError:  err,
			Platform:  artifact.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH},
			Lookup:    os.LookupEnv,
			Environ:   os.Environ,
			Exec:      replace,
			Now:       time.Now,
		},
		In:  os.Stdin,
		Out: os.Stdout,
		Err: os.Stderr,
	}
}
