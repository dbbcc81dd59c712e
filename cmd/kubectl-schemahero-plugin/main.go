// Command kubectl-schemahero-plugin is the package manager for SchemaHero's
// database drivers. kubectl runs it as `kubectl schemahero plugin`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli"
)

// version is set by the release build with -ldflags "-X main.version=X.Y.Z".
var version = "dev"

func main() { os.Exit(run()) }

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
