package shell

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/link"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

func linkCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var dir string
	cmd := e.Command(env.Command{
		Use:   "link",
		Short: "Make `kubectl schemahero plugin` and its completion run this program",
		Long: `krew can only install this program as "kubectl schemahero-plugin". link puts a
link named kubectl-schemahero-plugin into a folder of the PATH, beside two that
kubectl asks for completion. A link to a program that krew installed goes
through krew's own link, so that it survives an upgrade.

Links that are there already stay; a file that link did not make is never
replaced.`,
		Examples: []env.Example{
			{"link", "links in ~/.local/bin"},
			{"link --dir ~/bin", "in another folder of the PATH"},
			{"link -o custom-columns=LINK:.path,TO:.target", "see where each points"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run:      func(*cobra.Command, []string) error { return runLink(e, u, dir) },
	})
	cmd.Flags().StringVar(&dir, "dir", "", "folder of the PATH to put the links in (default: ~/.local/bin)")
	_ = cmd.MarkFlagDirname("dir")
	return cmd
}

// linkItem is an item of a LinkList: one link, and what became of it.
type linkItem struct {
	Name   string `json:"name" col:"NAME,name"`
	State  string `json:"state" col:"STATE"` // created, kept, replaced or removed
	Path   string `json:"path" col:"PATH"`
	Target string `json:"target" col:"+TARGET"`
}

func runLink(e *env.Env, u *ui.UI, dir string) error {
	f, err := folder(e, dir)
	if err != nil {
		return err
	}
	main := f.Main()
	if on := e.OnPath(link.Names()[0]); dir == "" && f.Runs(on) {
		u.Say("kubectl runs %s already", on)
		main = on
	}
	links, err := f.Plan(main) // nothing is in the way of any: only now is the first one made
	if err == nil {
		err = f.Make(links)
	}
	if foreign, ok := errors.AsType[*link.ForeignError](err); ok {
		return foreign
	}
	if err != nil {
		return refused(err)
	}
	if err := printLinks(u, links); err != nil {
		return err
	}
	adviseOnPath(e, u, f, main)
	return nil
}

// refused is why no link could be made.
func refused(err error) error {
	advice := "name a folder of the PATH that is yours to write to, with --dir DIR"
	if runtime.GOOS == "windows" {
		advice = "Windows lets users make links in Developer Mode (Settings, System, For developers); or copy this program there as kubectl-schemahero-plugin.exe"
	}
	return hint.Refuse(err.Error(), advice)
}

func printLinks(u *ui.UI, links []link.Link) error {
	var items []linkItem
	for _, l := range links {
		items = append(items, linkItem{l.Name, string(l.State), l.Path, l.Target})
	}
	v := ui.List("LinkList", "link", items)
	v.Text = func(w ui.Lines) {
		for _, it := range items {
			w.Line("%s %s -> %s", it.State, it.Path, it.Target)
		}
	}
	return u.Print(v)
}

// folder is the folder for the links. krew's own is refused.
func folder(e *env.Env, dir string) (link.Folder, error) {
	home := e.UserHome()
	if dir == "" {
		if home == "" {
			return link.Folder{}, hint.Usagef("home: %s is not set; pass --dir DIR", system.HomeVariable())
		}
		dir = filepath.Join(home, ".local", "bin")
	}
	self, err := invoked(e)
	if err != nil {
		return link.Folder{}, err
	}
	f := link.Folder{Dir: e.Abs(dir), Self: self, KrewRoot: e.Getenv("KREW_ROOT")}
	if f.KrewRoot == "" && home != "" {
		f.KrewRoot = filepath.Join(home, ".krew")
	}
	if f.IsKrews() {
		return f, hint.Usagef("--dir %s: is krew's own folder, which must hold krew's links only; name another folder of the PATH", f.Dir)
	}
	return f, nil
}

// invoked is the absolute path of the program as it was called.
func invoked(e *env.Env) (string, error) {
	if len(e.Args) == 0 {
		return os.Executable()
	}
	name := e.Args[0]
	if filepath.Base(name) == name {
		if found, err := exec.LookPath(name); err == nil {
			return filepath.Abs(found)
		}
		return os.Executable()
	}
	return filepath.Abs(name)
}

// adviseOnPath reports what the user has to do so that kubectl finds the links, and
// main behind them.
func adviseOnPath(e *env.Env, u *ui.UI, f link.Folder, main string) {
	switch found, first := f.Before(e.Getenv("PATH"), main); {
	case first != "":
		u.Warn("%s: comes first on the PATH, so kubectl runs that", first)
		u.Hint("hint:", "remove it, or put %s before %s in PATH", f.Dir, filepath.Dir(first))
	case !found:
		u.Warn("%s: is not on the PATH, so kubectl does not find the links there", f.Dir)
		u.Hint("hint:", "%s", addToPath(runtime.GOOS, f.Dir, e.UserHome(), e.Getenv("SHELL")))
	}
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
