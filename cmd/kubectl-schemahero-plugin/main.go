// Command kubectl-schemahero-plugin is the package manager for SchemaHero's
// database drivers. kubectl runs it as `kubectl schemahero plugin`.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli"
)

// version is set by the release build with -ldflags "-X main.version=X.Y.Z".
var version = "dev"

// grace is how long the program runs before memory is collected as usual. Most
// runs have ended by then, and what they would throw away is not worth looking
// for; the others have far to go.
const grace = 50 * time.Millisecond

// memory is what the program's data shall fit into, in bytes. With more than
// that to do it collects more often; it is no limit to what can be done.
const memory = 36 << 20

func main() {
	usual := debug.SetGCPercent(400)
	time.AfterFunc(grace, func() {
		debug.SetMemoryLimit(memory)
		debug.SetGCPercent(usual)
	})
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second interrupt ends the process at once: the first has asked politely.
	context.AfterFunc(ctx, stop)
	dir, err := os.Getwd()
	return cli.Run(ctx, cli.Program{
		Args:      os.Args,
		Version:   version,
		Directory: dir,
		DirError:  err,
		Env:       os.LookupEnv,
		Environ:   os.Environ,
		Now:       time.Now,
		In:        os.Stdin,
		Out:       os.Stdout,
		Err:       os.Stderr,
	})
}
