package shell

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func TestAddToPath(t *testing.T) {
	for _, test := range []struct{ goos, dir, home, shell, want string }{
		{"linux", "/home/u/.local/bin", "/home/u", "/bin/bash", `add to ~/.bashrc: export PATH="$HOME/.local/bin:$PATH"`},
		{"darwin", "/Users/u/bin", "/Users/u", "/bin/zsh", `add to ~/.zshrc: export PATH="$HOME/bin:$PATH"`},
		{"linux", "/opt/bin", "/home/u", "/usr/bin/fish", `run: fish_add_path "/opt/bin"`},
		{"linux", "/opt/bin", "", "", `add to your shell's profile: export PATH="/opt/bin:$PATH"`},
		{"linux", "/home/user2/bin", "/home/u", "/bin/sh", `add to your shell's profile: export PATH="/home/user2/bin:$PATH"`},
		{"windows", `C:\Users\u\bin`, `C:\Users\u`, "", `add it to Path under Settings, "Edit environment variables for your account", and open a new terminal`},
	} {
		if got := addToPath(test.goos, test.dir, test.home, test.shell); got != test.want {
			t.Errorf("%v: %s", test, got)
		}
	}
}

// A folder of the PATH is the folder asked for by whatever way it is named.
func TestCheckLinkPath(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	for _, d := range []string{bin, filepath.Join(dir, "other")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	alias := filepath.Join(dir, "alias")
	if err := os.Symlink(bin, alias); err != nil {
		t.Skip("no links here: ", err)
	}
	other, separator := filepath.Join(dir, "other"), string(os.PathListSeparator)
	for list, quiet := range map[string]bool{
		bin:                              true,
		bin + string(os.PathSeparator):   true,
		other + separator + alias:        true,
		separator + other + separator:    false,
		"":                               false,
		filepath.Join(dir, "bin", "bin"): false,
	} {
		var out bytes.Buffer
		lookup := func(key string) (string, bool) {
			if key == "PATH" {
				return list, true
			}
			return "", false
		}
		u := ui.New(nil, nil, &out, lookup)
		e := env.New(env.Process{Lookup: lookup})
		checkLinkPath(e, u, bin, filepath.Join(bin, env.Exe("kubectl-schemahero-plugin")))
		if got := out.String(); (got == "") != quiet || !quiet && !strings.Contains(got, "is not on the PATH") {
			t.Errorf("PATH %q: %q", list, got)
		}
	}
}
