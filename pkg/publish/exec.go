package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// ToolError says that a program is not on the PATH of the environment given.
type ToolError struct{ Tool string }

func (e *ToolError) Error() string    { return e.Tool + ": not found on PATH" }
func (e *ToolError) Kind() fault.Kind { return fault.Failure }

// CommandError says that a program ended badly.
type CommandError struct {
	Command string // program and first argument
	Dir     string
	Output  string // beginning and end of what it wrote to standard error
	Err     error
}

func (e *CommandError) Error() string {
	text := fmt.Sprintf("%s (in %s): %v", e.Command, e.Dir, e.Err)
	if out := strings.TrimSpace(e.Output); out != "" {
		text += "\n" + out
	}
	return text
}

func (e *CommandError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *CommandError) Unwrap() error    { return e.Err }

// run runs a program in a folder, in the environment env and no other, and
// returns its standard output. Errors: *ToolError, *CommandError.
func run(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	path := lookPath(env, name)
	if path == "" {
		return "", &ToolError{name}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = dir, env
	if runtime.GOOS != "windows" {
		// Killed outright, go build leaves its compilers running.
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	}
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		failed := &CommandError{Command: name + " " + args[0], Dir: dir, Err: err}
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			failed.Output = string(exit.Stderr)
		}
		return "", failed
	}
	return string(out), nil
}

// lookPath finds a program by the PATH of env, not of this process; "" where
// there is none.
func lookPath(env []string, name string) string {
	if strings.ContainsRune(name, filepath.Separator) {
		if isCommand(name) {
			return name
		}
		return ""
	}
	for _, dir := range filepath.SplitList(system.Getenv(env, "PATH")) {
		file := filepath.Join(dir, name)
		if runtime.GOOS == "windows" && !strings.HasSuffix(file, ".exe") {
			file += ".exe"
		}
		// A program in the working directory is none that anybody meant (os/exec
		// refuses it for the same reason).
		if filepath.IsAbs(file) && isCommand(file) {
			return file
		}
	}
	return ""
}

func isCommand(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && (info.Mode()&0o111 != 0 || runtime.GOOS == "windows")
}
