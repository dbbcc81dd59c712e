package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

var update = flag.Bool("update", false, "write the golden output of the scripts again")

// The scripts run this very program: testscript starts the test binary again
// under the name of a command, and main runs in it.
func TestMain(m *testing.M) {
	called := os.Args[0]
	asCalled := func() {
		os.Args[0] = called // testscript leaves the last element only
		runScripted()
	}
	testscript.Main(m, map[string]func(){
		"plugin": runScripted,
		// As kubectl and krew call it: the name decides what it says and does.
		"kubectl-schemahero-plugin":          asCalled,
		"kubectl-schemahero_plugin":          asCalled,
		"kubectl_complete-schemahero-plugin": asCalled,
		"kubectl_complete-schemahero_plugin": asCalled,
	})
}

// runScripted is main, on a machine whose administrator's config is where the script
// says, if anywhere, and which is $MACHINE or linux/amd64 whatever it is: what is
// published, locked and told is the same on all.
func runScripted() {
	p := program()
	p.SystemConfig = cmp.Or(os.Getenv("SYSTEM_CONFIG"), "/nonexistent/plugins.toml")
	p.Platform, _ = artifact.ParseMachine(cmp.Or(os.Getenv("MACHINE"), "linux/amd64"))
	os.Exit(run(p))
}

const scripts = "../../testdata/script"

// TestScript runs testdata/script/*.txtar, each in an empty home, against
// registries in this process. See testdata/script/README.md.
func TestScript(t *testing.T) {
	params := scriptParams()
	if runtime.GOOS == "windows" {
		params.Files = windowsScripts(t)
	} else {
		params.Dir = scripts
	}
	testscript.Run(t, params)
}

// TestLayouts runs testdata/script/layouts/*.txtar with each layout of a
// release, and what reading one costs: manifests got, and looked for, and lists of referrers.
func TestLayouts(t *testing.T) {
	for layout, cost := range map[string][3]string{"index": {"3", "0", "1"}, "tags": {"2", "1", "2"}, "files": {"1", "0", "1"}} {
		t.Run(layout, func(t *testing.T) {
			params := scriptParams()
			params.Dir = filepath.Join(scripts, "layouts")
			setup := params.Setup
			params.Setup = func(env *testscript.Env) error {
				env.Setenv("LAYOUT", layout)
				env.Setenv("MANIFESTS", cost[0])
				env.Setenv("HEADS", cost[1])
				env.Setenv("REFERRERS", cost[2])
				return setup(env)
			}
			testscript.Run(t, params)
		})
	}
}

func scriptParams() testscript.Params {
	return testscript.Params{
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Condition: func(name string) (bool, error) {
			if name != "links" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return disk.LinksOnly(os.TempDir(), 0o755), nil
		},
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("USERPROFILE", home)
			env.Setenv("NO_COLOR", "1")
			env.Setenv("HOSTPLATFORM", runtime.GOOS+"/"+runtime.GOARCH)
			for _, v := range os.Environ() {
				key, _, _ := strings.Cut(v, "=")
				if strings.HasPrefix(key, "SCHEMAHERO") || strings.HasPrefix(key, "DOCKER") || strings.HasPrefix(key, "REGISTRY") ||
					strings.HasPrefix(key, "XDG") || strings.HasSuffix(strings.ToLower(key), "_proxy") {
					env.Setenv(key, "")
				}
			}
			signed, err := filepath.Abs(filepath.Join("..", "..", "testdata", "trust"))
			if err != nil {
				return err
			}
			env.Setenv("SIGNED", signed) // what cosign and a private Sigstore signed
			w := &world{registries: map[string]*scriptRegistry{}}
			env.Values[worldKey{}] = w
			env.Defer(w.close)
			if err := setGo(env); err != nil {
				return err
			}
			return os.MkdirAll(home, 0o755)
		},
		Cmds: commands(map[string]func(ts *testscript.TestScript, args []string){
			"exits":      cmdExits,
			"registry":   cmdRegistry,
			"publish":    cmdPublish,
			"retag":      cmdRetag,
			"refer":      cmdRefer,
			"requests":   cmdRequests,
			"fault":      cmdFault,
			"await":      cmdAwait,
			"sent":       cmdSent,
			"secretless": cmdSecretless,
			"replace":    cmdReplace,
			"hostile":    cmdHostile,
			"base":       cmdBase,
			"mode":       cmdMode,
			"documented": cmdDocumented,
			"snippet":    cmdSnippet,
			"transcript": cmdTranscript,
			"repository": cmdRepository,
		}),
	}
}

// commands gives script commands their names. None of them has a meaning after
// an exclamation mark.
func commands(named map[string]func(ts *testscript.TestScript, args []string)) map[string]func(*testscript.TestScript, bool, []string) {
	out := map[string]func(*testscript.TestScript, bool, []string){}
	for name, run := range named {
		out[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if neg {
				ts.Fatalf("! %s: has no meaning", name)
			}
			run(ts, args)
		}
	}
	return out
}

// cmdExits: exits CODE PROGRAM [ARG...] is exec, of what ends with that code.
func cmdExits(ts *testscript.TestScript, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		code = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got := strconv.Itoa(code); got != args[0] {
		ts.Fatalf("exits %s, not %s", got, args[0])
	}
}
