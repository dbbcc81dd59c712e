// Package cli is the command line: it injects what libraries must not read
// themselves (streams, environment, clock, paths), hangs the commands of its groups
// under one root, and makes exit codes of errors.
package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/kube"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Process is what the program was started with. Without a SystemConfig it is the
// machine's.
type Process = env.Process

// Program is one invocation, as main received it.
type Program struct {
	Process
	In       io.Reader
	Out, Err io.Writer
}

// wire makes what the commands work with.
func wire(p Program) (*env.Env, *ui.UI) {
	u := ui.New(p.In, p.Out, p.Err, p.Lookup)
	u.Dir = p.Directory
	p.SystemConfig = cmp.Or(p.SystemConfig, config.SystemFile())
	e := env.New(p.Process)
	e.Events = env.Events{
		Registry: func(event registry.Event) { u.Network(event, e.Carrying) },
		Install:  u.Installing(e.ServedFrom),
		Cluster:  func(event kube.Event) { u.Request(event.Method, event.URL, event.Status, event.Duration) },
	}
	return e, u
}

// Run executes one command line and returns its exit code.
func Run(ctx context.Context, p Program) int {
	e, u := wire(p)
	defer e.Close()
	args := arguments(p.Args)
	began := false // flags and arguments were accepted
	root := newRoot(e, u, &began, args...)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		u.Quiet = true
		complete.Flags(e, root) // a tenth of the time that a command with nothing to do takes
	}
	u.Errors = cmp.Or(errorsForm(args), u.Errors)
	root.SetArgs(args)
	root.SetIn(p.In)
	root.SetOut(u.Out)
	root.SetErr(u.Err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil || u.Broken(err) {
		err, began = u.Failed(), true
	}
	usage, told := errors.AsType[*hint.UsageError](err)
	switch {
	case err != nil && !began && !told:
		// Flags, arguments and unknown commands are refused before anything runs.
		err = &hint.UsageError{Err: err, Command: cmd.CommandPath()}
	case told && usage.Command == "":
		usage.Command = cmd.CommandPath()
	}
	u.StopProgress()
	if err != nil && ctx.Err() != nil && !errors.As(err, new(*hint.ExitError)) {
		err = &interrupted{err}
	}
	report(e, u, err)
	if e.Flags.Stats && began {
		u.Stats(e.Stats())
	}
	return exitCode(err)
}

// arguments returns the command line behind the program's name. kubectl asks
// for completion by running kubectl_complete-schemahero-plugin with the words
// so far: cobra answers that under a hidden command of its own.
func arguments(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	if strings.HasPrefix(env.Base(args[0]), "kubectl_complete-") {
		return append([]string{"__complete"}, args[1:]...)
	}
	return args[1:]
}

// interrupted is what an error becomes when the user ended the command.
type interrupted struct{ err error }

func (e *interrupted) Error() string { return "interrupted" }
func (e *interrupted) Unwrap() error { return e.err }

// The exit codes that no kind of failure has.
const (
	exitDone        = 0
	exitInterrupted = 130
)

// exitCode returns the exit code of an error: its kind decides, and nothing else.
func exitCode(err error) int {
	var child *hint.ExitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &child):
		return child.Code
	case errors.As(err, new(*interrupted)):
		return exitInterrupted
	}
	return hint.ExitCode(fault.Of(err))
}

// report writes an error, and what to do about it, to standard error.
func report(e *env.Env, u *ui.UI, err error) {
	if err == nil || errors.As(err, new(*hint.ExitError)) { // the program that ran has told it
		return
	}
	failures := u.Failures(err, e.Flags.Timeout)
	if errors.As(err, new(*interrupted)) {
		failures = []ui.Failure{u.Interrupted(err)}
	}
	hints := e.Hints(u.Rel)
	for _, f := range failures {
		if !u.AsData() {
			u.Error(f)
			continue
		}
		u.Tell(ui.Told{
			Kind: kind(f.Err), Code: exitCode(f.Err), Message: f.Message, File: f.Position.File, Line: f.Position.Line, Column: f.Position.Column,
			Hint: strings.Join(hint.For(hints, f.Err), "\n"),
		})
	}
	if u.AsData() {
		return
	}
	for _, h := range hint.For(hints, err) {
		u.Advice(h)
	}
}

// kind names what sort of failure an error is.
func kind(err error) string {
	if errors.As(err, new(*interrupted)) {
		return "interrupted"
	}
	return fault.Of(err).String()
}

// errorsForm is the value of --errors on a command line that may not be valid: what
// is wrong with it is told in that form too.
func errorsForm(args []string) string {
	form := ""
	for i, arg := range args {
		value, ok := strings.CutPrefix(arg, "--errors=")
		switch {
		case arg == "--":
			return form
		case arg == "--errors" && i+1 < len(args):
			value, ok = args[i+1], true
		}
		if ok && ui.CheckErrors(value) == nil {
			form = value
		}
	}
	return form
}
