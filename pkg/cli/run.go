package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func (a *app) runCommand() *cobra.Command {
	cmd := a.command("run -- CMD [ARG]...", "Sync as locked, then run a command with exactly these drivers",
		`Installs what the lock says (as sync --locked), refuses where the host would
load another file than a locked driver (exit 3), and then becomes the command:
signals reach that alone, and its exit code is the command line's. --timeout is
for the sync.`,
		examples(
			"run -- kubectl schemahero plan --driver postgres --uri \"$URI\" --spec-file users.yaml", "plan with the locked drivers",
			"run -- ./migrate.sh", "a script",
			"run --offline -- ./migrate.sh", "without asking any registry"),
		needs(1, "CMD"), func(cmd *cobra.Command, args []string) error { return a.runRun(cmd.Context(), args) })
	cmd.Flags().SetInterspersed(false)
	return cmd
}

func (a *app) runRun(ctx context.Context, args []string) error {
	p, err := a.project()
	if err != nil {
		return err
	}
	report, err := p.Sync(ctx, plugins.SyncOptions{Locked: true})
	if err != nil {
		return err
	}
	a.ui.StopProgress()
	a.warnAccepted(report.Lock, report.Changes, report.Items)
	dirs := a.searchPath()
	var shadowed []string
	for _, it := range report.Items {
		if by, ok := install.Shadow(it.Item, dirs); ok {
			shadowed = append(shadowed, by.Path)
			a.ui.Warn("%s: %s", a.ui.Rel(it.Path), ui.HostTakes(by))
		}
	}
	if len(shadowed) > 0 {
		return &shadowedError{shadowed}
	}
	return a.exec(args, a.outside(report.Items, dirs))
}

// outside returns the folders of drivers in which the host does not look from
// here.
func (a *app) outside(items []plugins.Synced, dirs []string) []string {
	var out []string
	for _, it := range items {
		dir := filepath.Dir(it.Path)
		if !install.Searched(it.Path, dirs) && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

// shadowedError says that the host would not load what is locked.
type shadowedError struct{ files []string }

func (e *shadowedError) Error() string {
	return "run: refused, because the host would load other files than the locked drivers"
}

func (e *shadowedError) Kind() fault.Kind { return fault.Stale }

// exec becomes the command: this program has done its work, and there is nobody
// in between for signals, job control and exit code to get lost at.
func (a *app) exec(args, folders []string) error {
	name := args[0]
	if filepath.Base(name) != name {
		name = a.abs(name) // as seen from -C
	}
	path, err := exec.LookPath(name)
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return &refused{args[0] + ": no such command", nil}
	}
	if err := a.untimed.Err(); err != nil {
		return err
	}
	if a.flags.stats {
		a.printStats()
		a.flags.stats = false // told
	}
	env := a.runEnv(folders)
	if err := os.Chdir(a.Directory); err != nil {
		return err
	}
	if err := a.Exec(path, args, env); !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return a.child(a.untimed, path, args, env)
}

// runEnv is the environment with the folders in which the host is to look for
// drivers after all others.
func (a *app) runEnv(folders []string) []string {
	const key = "SCHEMAHERO_PLUGIN_PATH"
	env := a.Environ()
	if len(folders) == 0 {
		return env
	}
	if own := a.env(key); own != "" {
		folders = append([]string{own}, folders...)
	}
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, key+"=") })
	return append(env, key+"="+strings.Join(folders, string(os.PathListSeparator)))
}

// child runs the command where this program cannot become it, and passes on
// signals and exit code.
func (a *app) child(ctx context.Context, path string, args, env []string) error {
	c := exec.CommandContext(ctx, path, args[1:]...)
	c.Env = env
	c.Stdin = a.ui.In
	c.Stdout, c.Stderr = a.ui.Raw()
	// The terminal sends an interrupt to the child too: give it the time to end
	// by itself.
	c.Cancel = func() error { return c.Process.Signal(signalOf(ctx)) }
	err := c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return &childExit{exit.ExitCode()}
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
