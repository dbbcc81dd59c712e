package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

func runCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var only []string
	cmd := e.Command(env.Command{
		Use:   "run -- CMD [ARG]...",
		Short: "Sync as locked, then run a command with exactly these drivers",
		Long: `Installs what the lock says (as sync --locked), refuses where the host would
load another file than a locked driver (exit 3), and then becomes the command:
signals reach that alone, and its exit code is the command line's. --timeout is
for the sync. --only installs, and looks at, only the named drivers and what
they require.`,
		Examples: []env.Example{
			{"run -- kubectl schemahero plan --driver postgres --uri \"$URI\" --spec-file users.yaml", "plan with the locked drivers"},
			{"run -- ./migrate.sh", "a script"},
			{"run --only postgres -- ./migrate.sh", "with this driver alone"},
			{"run --offline -- ./migrate.sh", "without asking any registry"},
		},
		Args: env.AtLeast(1, "CMD"),
		Run:  func(cmd *cobra.Command, args []string) error { return runRun(cmd.Context(), e, u, only, args) },
	})
	cmd.Flags().StringSliceVar(&only, "only", nil, "only this driver and what it requires; may be given several times")
	cmd.Flags().SetInterspersed(false)
	return cmd
}

func runRun(ctx context.Context, e *env.Env, u *ui.UI, only, args []string) error {
	p, err := e.Project()
	if err != nil {
		return err
	}
	report, err := p.Sync(ctx, project.SyncOptions{Locked: true, Only: only})
	if err != nil {
		return err
	}
	u.StopProgress()
	u.Unsigned(e.Accepted(report.Lock, report.Changes, report.Items))
	u.Overridden(report.Overridden)
	dirs := e.SearchPath()
	shadowed := false
	for _, it := range report.Items {
		if by, ok := install.Shadow(it.Item, dirs); ok {
			shadowed = true
			u.Warn("%s: %s", u.Rel(it.Path), ui.HostTakes(by))
		}
	}
	if shadowed {
		return &hint.DriftError{
			Text: "run: refused, because the host would load other files than the locked drivers",
			Next: "remove the files named above, or see who comes first: " + e.Name() + " which NAME",
		}
	}
	return become(e, u, args, outside(report.Items, dirs))
}

// outside returns the folders of drivers in which the host does not look from
// here.
func outside(items []project.Synced, dirs []string) []string {
	var out []string
	for _, it := range items {
		dir := filepath.Dir(it.Path)
		if !install.Searched(it.Path, dirs) && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

// become becomes the command: this program has done its work, and there is nobody
// in between for signals, job control and exit code to get lost at.
func become(e *env.Env, u *ui.UI, args, folders []string) error {
	name := args[0]
	if filepath.Base(name) != name {
		name = e.Abs(name) // as seen from -C
	}
	path, err := exec.LookPath(name)
	if err := unfound(runtime.GOOS, args[0], err); err != nil {
		return err
	}
	if err := e.Untimed().Err(); err != nil {
		return err
	}
	if e.Flags.Stats {
		u.Stats(e.Stats())
		e.Flags.Stats = false // told
	}
	env := runEnv(e, folders)
	if err := os.Chdir(e.Directory); err != nil {
		return err
	}
	if err := e.Exec(path, args, env); !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return child(e.Untimed(), u, path, args, env)
}

// unfound is what LookPath's error means to the user. Windows alone looks in the
// working directory by itself, where nobody is taken to mean what lies; elsewhere
// PATH says so.
func unfound(goos, word string, err error) error {
	switch dot := errors.Is(err, exec.ErrDot); {
	case err == nil, dot && goos != "windows":
		return nil
	case dot:
		return hint.Refuse(word + `: is in the working directory, which is not on PATH; to run it, write .\` + word)
	}
	return hint.Refuse(word + ": no such command")
}

// runEnv is the environment with the folders in which the host is to look for
// drivers after all others.
func runEnv(e *env.Env, folders []string) []string {
	const key = "SCHEMAHERO_PLUGIN_PATH"
	env := e.Environ()
	if len(folders) == 0 {
		return env
	}
	if own := e.Getenv(key); own != "" {
		folders = append([]string{own}, folders...)
	}
	return append(system.Unset(env, key), key+"="+strings.Join(folders, string(os.PathListSeparator)))
}

// child runs the command where this program cannot become it, and passes on
// signals and exit code.
func child(ctx context.Context, u *ui.UI, path string, args, env []string) error {
	c := exec.CommandContext(ctx, path, args[1:]...)
	c.Env = env
	c.Stdin = u.In
	c.Stdout, c.Stderr = u.Raw()
	// The terminal sends an interrupt to the child too: give it the time to end
	// by itself.
	c.Cancel = func() error {
		if runtime.GOOS == "windows" {
			return os.ErrProcessDone // it has no signals but what the console sends
		}
		return c.Process.Signal(signalOf(ctx))
	}
	err := c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return &hint.ExitError{Code: exit.ExitCode()}
	}
	return err
}

// signalOf is the signal that ended ctx, to be passed on: signal.NotifyContext
// names it in the cause.
func signalOf(ctx context.Context) os.Signal {
	if cause := context.Cause(ctx); cause != nil && strings.Contains(cause.Error(), syscall.SIGTERM.String()) {
		return syscall.SIGTERM
	}
	return os.Interrupt
}
