package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// onPath is the first program of this file name on the PATH; "" for none.
func (a *app) onPath(name string) string {
	for _, d := range filepath.SplitList(a.env("PATH")) {
		if path := filepath.Join(d, name); d != "" && isProgram(path) {
			return path
		}
	}
	return ""
}

// checkLinkPath tells what the user has to do so that kubectl finds the links
// in dir, and main behind them.
func (a *app) checkLinkPath(dir, main string) {
	name := exe(linkNames()[0])
	for _, d := range filepath.SplitList(a.env("PATH")) {
		if d == "" {
			continue
		}
		if samePath(d, dir) || sameFile(d, dir) {
			return
		}
		if first := filepath.Join(d, name); isProgram(first) && !sameFile(first, main) {
			a.ui.Warn("%s: comes first on the PATH, so kubectl runs that", first)
			a.ui.Hint("hint:", "remove it, or put %s before %s in PATH", dir, d)
			return
		}
	}
	a.ui.Warn("%s: is not on the PATH, so kubectl does not find the links there", dir)
	a.ui.Hint("hint:", "%s", addToPath(runtime.GOOS, dir, a.userHome(), a.env("SHELL")))
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

// exe is a program's file name on this system.
func exe(name string) string { return exeOn(runtime.GOOS, name) }

func exeOn(goos, name string) string {
	if goos == "windows" {
		return name + ".exe"
	}
	return name
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0)
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

// sameFile tells whether two names lead to one file, through whatever links.
func sameFile(x, y string) bool {
	a, err := os.Stat(x)
	if err != nil {
		return false
	}
	b, err := os.Stat(y)
	return err == nil && os.SameFile(a, b)
}
