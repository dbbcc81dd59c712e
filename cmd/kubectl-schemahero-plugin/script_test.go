package main

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the golden output of the scripts anew")

// The scripts run this very program: testscript starts the test binary again
// under the name of a command, and main runs in it.
func TestMain(m *testing.M) {
	called := os.Args[0]
	asCalled := func() {
		os.Args[0] = called // testscript leaves the last element only
		os.Exit(run())
	}
	testscript.Main(m, map[string]func(){
		"plugin": func() { os.Exit(run()) },
		// As kubectl and krew call it: the name decides what it says and does.
		"kubectl-schemahero-plugin":          asCalled,
		"kubectl-schemahero_plugin":          asCalled,
		"kubectl_complete-schemahero-plugin": asCalled,
		"kubectl_complete-schemahero_plugin": asCalled,
	})
}

// TestScript runs testdata/script/*.txtar, each in an empty home, against
// registries in this process. See testdata/script/README.md.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		RequireExplicitExec: true,
		UpdateScripts:       *update,
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
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"registry":   cmdRegistry,
			"publish":    cmdPublish,
			"retag":      cmdRetag,
			"requests":   cmdRequests,
			"fault":      cmdFault,
			"await":      cmdAwait,
			"sent":       cmdSent,
			"secretless": cmdSecretless,
			"replace":    cmdReplace,
			"hostile":    cmdHostile,
			"mode":       cmdMode,
			"documented": cmdDocumented,
			"snippet":    cmdSnippet,
			"repository": cmdRepository,
		},
	})
}
