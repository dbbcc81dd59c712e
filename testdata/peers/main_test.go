package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// commandLimit is how long any one command may take, but for building.
const commandLimit = 2 * time.Minute

// suite is what the tests share.
var suite struct {
	plugin  string // the program under test
	cache   string // built peers
	drivers string // built test drivers; gone afterwards
}

func TestMain(m *testing.M) {
	code, err := setUp(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func setUp(m *testing.M) (int, error) {
	suite.plugin = os.Getenv("PLUGIN_BIN")
	if suite.plugin == "" {
		suite.plugin = filepath.Join("..", "..", "bin", "kubectl-schemahero-plugin")
	}
	var err error
	if suite.plugin, err = filepath.Abs(suite.plugin); err != nil {
		return 1, err
	}
	if _, err := os.Stat(suite.plugin); err != nil {
		return 1, fmt.Errorf("%w: run `make build`", err)
	}
	suite.cache = os.Getenv("PEERS_CACHE")
	if suite.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			dir = os.TempDir()
		}
		suite.cache = filepath.Join(dir, "kubectl-schemahero-plugin", "peers")
	}
	if suite.drivers, err = os.MkdirTemp("", "peers-drivers-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(suite.drivers)
	defer stopAPIServer()
	return m.Run(), nil
}

// result is how a command ended.
type result struct {
	stdout, stderr string
	code           int
}

// command runs a program in dir with the environment env.
func command(t *testing.T, dir string, env []string, stdin string, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdin = strings.NewReader(stdin)
	// A host that fails can leave a driver that holds its output.
	cmd.WaitDelay = 5 * time.Second
	ownGroup(cmd)
	cmd.Cancel = func() error { endGroup(cmd); return nil }
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.Process != nil {
		endGroup(cmd)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// environment is that of a user with this home and nothing else set.
func environment(home string, more ...string) []string {
	return append([]string{
		"HOME=" + home,
		"PATH=" + os.Getenv("PATH"),
		"TMPDIR=" + os.TempDir(),
		"NO_COLOR=1",
	}, more...)
}

// read gives a file's bytes.
func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// write makes a file with text in it.
func write(t *testing.T, text string, path ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path...), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
