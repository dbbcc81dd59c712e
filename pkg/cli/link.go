package cli

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// linkNames are the names that kubectl looks for: the plugin itself, and the
// program that completes it, once for `kubectl schemahero plugin` and once for
// krew's `kubectl schemahero-plugin`.
func linkNames() []string {
	return []string{"kubectl-schemahero-plugin", "kubectl_complete-schemahero-plugin", "kubectl_complete-schemahero_plugin"}
}

// krewName is what krew makes of the plugin name schemahero-plugin: kubectl
// reads dashes as spaces and underscores as dashes.
const krewName = "kubectl-schemahero_plugin"

func (a *app) linkCommand() *cobra.Command {
	var dir string
	cmd := a.command("link", "Make `kubectl schemahero plugin` and its completion run this program",
		`krew can only install this program as "kubectl schemahero-plugin". link puts a
link named kubectl-schemahero-plugin into a folder of the PATH, beside two that
kubectl asks for completion. A link to a program that krew installed goes
through krew's own link, so that it survives an upgrade.

Links that are there already stay; a file that link did not make is never
replaced.`,
		examples(
			"link", "links in ~/.local/bin",
			"link --dir ~/bin", "in another folder of the PATH",
			"link -o custom-columns=LINK:.path,TO:.target", "see where each points"),
		none, func(*cobra.Command, []string) error { return a.runLink(dir) })
	cmd.Flags().StringVar(&dir, "dir", "", "folder of the PATH to put the links in (default: ~/.local/bin)")
	_ = cmd.MarkFlagDirname("dir")
	return cmd
}

func (a *app) unlinkCommand() *cobra.Command {
	var dir string
	cmd := a.command("unlink", "Remove what link made",
		`Removes the links of this program, and no other file. Run it before this program
is uninstalled; afterwards kubectl hands "kubectl schemahero plugin" to the host
again.`,
		examples(
			"unlink", "the links in ~/.local/bin",
			"unlink --dir ~/bin", "in another folder",
			"unlink -o name", "tell only which were removed"),
		none, func(*cobra.Command, []string) error { return a.runUnlink(dir) })
	cmd.Flags().StringVar(&dir, "dir", "", "folder that the links are in (default: ~/.local/bin)")
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

func (a *app) runLink(asked string) error {
	dir, err := a.linkDir(asked)
	if err != nil {
		return err
	}
	self, err := a.invoked()
	if err != nil {
		return err
	}
	var items []linkItem
	main := filepath.Join(dir, exe(linkNames()[0]))
	if on := a.onPath(exe(linkNames()[0])); asked == "" && on != "" && !samePath(on, main) && sameFile(on, self) {
		// kubectl finds it there: a second one would only be in its shadow, and
		// `kubectl plugin list` complain.
		a.ui.Say("kubectl runs %s already", on)
		main = on
	}
	for _, name := range linkNames() {
		it := linkItem{Name: name, Path: filepath.Join(dir, exe(name)), Target: main}
		switch {
		case name == linkNames()[0] && it.Path != main:
			continue
		case it.Path == main && samePath(self, main):
			// The program lies there already, or runs through a link that does.
			if it.Target, err = os.Readlink(main); err != nil {
				continue
			}
			it.State = "kept"
		case it.Path == main:
			it.Target = a.linkTarget(self)
			fallthrough
		default:
			if it.State, err = a.linkState(it.Path, it.Target); err != nil {
				return err
			}
		}
		items = append(items, it)
	}
	// Nothing is in the way of any: only now is the first one made.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return linkRefused(err)
	}
	for _, it := range items {
		if err := writeLink(it); err != nil {
			return linkRefused(err)
		}
	}
	if err := a.printLinks(items); err != nil {
		return err
	}
	a.checkLinkPath(dir, main)
	return nil
}

func (a *app) runUnlink(dir string) error {
	dir, err := a.linkDir(dir)
	if err != nil {
		return err
	}
	var items []linkItem
	for _, name := range linkNames() {
		path := filepath.Join(dir, exe(name))
		target, err := os.Readlink(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil || !a.ownLink(path, target):
			a.ui.Warn("%s: was not made by link, and stays", path)
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		items = append(items, linkItem{name, "removed", path, target})
	}
	if len(items) == 0 {
		a.ui.Say("%s: no link of this program", dir)
	}
	if len(items) == 0 && a.ui.Output == "" {
		return nil
	}
	return a.printLinks(items)
}

func (a *app) printLinks(items []linkItem) error {
	v := ui.List("LinkList", "link", items)
	v.Text = func(w ui.Lines) {
		for _, it := range items {
			w.Line("%s %s -> %s", it.State, it.Path, it.Target)
		}
	}
	return a.ui.Print(v)
}

// linkDir is the folder for the links. krew's own is refused: krew takes what
// lies there for its own, and no longer works once its last plugin is gone.
func (a *app) linkDir(dir string) (string, error) {
	if dir == "" {
		home := a.userHome()
		if home == "" {
			return "", usagef("home: HOME is not set; say --dir DIR")
		}
		dir = filepath.Join(home, ".local", "bin")
	}
	dir = a.abs(dir)
	if root := a.krewRoot(); root != "" && (samePath(dir, filepath.Join(root, "bin")) || sameFile(dir, filepath.Join(root, "bin"))) {
		return "", usagef("--dir %s: is krew's own folder, which must hold krew's links only; name another folder of the PATH", dir)
	}
	return dir, nil
}

func (a *app) krewRoot() string {
	if root := a.env("KREW_ROOT"); root != "" {
		return filepath.Clean(root)
	}
	if home := a.userHome(); home != "" {
		return filepath.Join(home, ".krew")
	}
	return ""
}

// linkTarget is where the first link points: to krew's own link where krew
// installed this program, since the file behind that moves with every upgrade;
// otherwise to the program as it was invoked, unresolved for the same reason.
// The links for completion point to the first.
func (a *app) linkTarget(self string) string {
	if root := a.krewRoot(); root != "" {
		if link := filepath.Join(root, "bin", exe(krewName)); sameFile(self, link) {
			return link
		}
	}
	return self
}

// invoked is the absolute path of the program as it was called.
func (a *app) invoked() (string, error) {
	if len(a.Args) == 0 {
		return os.Executable()
	}
	name := a.Args[0]
	if filepath.Base(name) == name {
		if found, err := exec.LookPath(name); err == nil {
			return filepath.Abs(found)
		}
		return os.Executable()
	}
	return filepath.Abs(name)
}
