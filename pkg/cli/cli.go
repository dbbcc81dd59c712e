// Package cli is the command line: it wires the libraries together, injects
// what they must not read themselves (streams, environment, clock, paths) and
// renders what they return. Nothing else prints, reads the environment or
// knows an exit code.
package cli

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// Program is one invocation, as main received it.
type Program struct {
	Args      []string // with the program's own name first
	Version   string
	Revision  string // commit that it was built from; "" where it is not known
	Directory string // working directory, absolute
	DirError  error  // why there is none
	Env       func(key string) (string, bool)
	Environ   func() []string
	Exec      func(path string, args, env []string) error // becomes another program; errors.ErrUnsupported where it cannot
	Now       func() time.Time
	In        io.Reader
	Out       io.Writer
	Err       io.Writer
}

func newApp(p Program) *app {
	a := &app{Program: p, ui: ui.New(p.In, p.Out, p.Err, p.Env)}
	a.ui.Dir = p.Directory
	return a
}

// Run executes one command line and returns its exit code (see exit.go).
func Run(ctx context.Context, p Program) int {
	a := newApp(p)
	defer a.close()
	args := a.arguments()
	root := a.root(args)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		a.completions(root) // a tenth of what a command with nothing to do takes
	}
	root.SetArgs(args)
	root.SetIn(p.In)
	root.SetOut(a.ui.Out)
	root.SetErr(a.ui.Err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil || a.ui.Broken(err) {
		err, a.ran = a.ui.Failed(), true
	}
	var usage *usageError
	switch told := errors.As(err, &usage); {
	case err != nil && !a.ran && !told:
		// Flags, arguments and unknown commands are refused before anything runs.
		err = &usageError{err: err, command: cmd.CommandPath()}
	case told && usage.command == "":
		usage.command = cmd.CommandPath()
	}
	a.ui.StopProgress()
	if err == nil {
		return a.finish(nil)
	}
	if ctx.Err() != nil && !errors.As(err, new(*childExit)) {
		err = &interrupted{err}
	}
	a.report(err)
	return a.finish(err)
}

// arguments returns the command line behind the program's name. kubectl asks
// for completion by running kubectl_complete-schemahero-plugin with the words
// so far: cobra answers that under a hidden command of its own.
func (a *app) arguments() []string {
	if len(a.Args) == 0 {
		return nil
	}
	if strings.HasPrefix(base(a.Args[0]), "kubectl_complete-") {
		return append([]string{"__complete"}, a.Args[1:]...)
	}
	return a.Args[1:]
}

func base(argv0 string) string {
	return strings.TrimSuffix(filepath.Base(filepath.ToSlash(argv0)), ".exe")
}

// displayName is how the user called this program: kubectl runs a plugin by
// its absolute path, krew's link has an underscore for its dash.
func (a *app) displayName() string {
	if len(a.Args) == 0 {
		return "kubectl-schemahero-plugin"
	}
	name := base(a.Args[0])
	switch {
	case name == "kubectl-schemahero_plugin":
		return "kubectl schemahero-plugin"
	case strings.HasPrefix(name, "kubectl_complete-"), name == "kubectl-schemahero-plugin" && filepath.IsAbs(a.Args[0]):
		return "kubectl schemahero plugin"
	}
	return name
}

// report writes an error, and what to do about it, to standard error.
func (a *app) report(err error) {
	for _, told := range a.describe(err) {
		a.ui.Error(told.headline, told.below...)
	}
	for _, h := range a.hints(err) {
		a.ui.Advice(h)
	}
}
