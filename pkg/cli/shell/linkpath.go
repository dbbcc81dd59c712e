package shell

import (
	"path/filepath"
	"runtime"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// checkLinkPath tells what the user has to do so that kubectl finds the links
// in dir, and main behind them.
func checkLinkPath(e *env.Env, u *ui.UI, dir, main string) {
	name := env.Exe(linkNames()[0])
	for _, d := range filepath.SplitList(e.Getenv("PATH")) {
		if d == "" {
			continue
		}
		if samePath(d, dir) || disk.SameFile(d, dir) {
			return
		}
		if first := filepath.Join(d, name); env.IsProgram(first) && !disk.SameFile(first, main) {
			u.Warn("%s: comes first on the PATH, so kubectl runs that", first)
			u.Hint("hint:", "remove it, or put %s before %s in PATH", dir, d)
			return
		}
	}
	u.Warn("%s: is not on the PATH, so kubectl does not find the links there", dir)
	u.Hint("hint:", "%s", addToPath(runtime.GOOS, dir, e.UserHome(), e.Getenv("SHELL")))
}

// addToPath says how a folder gets onto the PATH for good.
func addToPath(goos, dir, home, shell string) string {
	if goos == "windows" {
		return "add it to Path under Settings, \"Edit environment variables for your account\", and open a new terminal"
	}
	if rest, ok := strings.CutPrefix(dir, home+"/"); ok && home != "" {
		dir = "$HOME/" + rest
	}
	switch filepath.Base(shell) {
	case "fish":
		return `run: fish_add_path "` + dir + `"`
	case "zsh":
		return `add to ~/.zshrc: export PATH="` + dir + `:$PATH"`
	case "bash":
		return `add to ~/.bashrc: export PATH="` + dir + `:$PATH"`
	}
	return `add to your shell's profile: export PATH="` + dir + `:$PATH"`
}

// samePath tells whether two names stand for one directory entry. The last
// element may be a link or missing; the folders before it are resolved.
func samePath(x, y string) bool { return place(x) == place(y) }

func place(path string) string {
	path = filepath.Clean(path)
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		dir = filepath.Dir(path)
	}
	path = filepath.Join(dir, filepath.Base(path))
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return strings.ToLower(path) // file names differ by more than case there
	}
	return path
}
