package shell

import (
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
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

func runLink(e *env.Env, u *ui.UI, asked string) error {
	dir, err := linkDir(e, asked)
	if err != nil {
		return err
	}
	self, err := invoked(e)
	if err != nil {
		return err
	}
	var items []linkItem
	main := filepath.Join(dir, env.Exe(linkNames()[0]))
	if on := e.OnPath(env.Exe(linkNames()[0])); asked == "" && on != "" && !samePath(on, main) && disk.SameFile(on, self) {
		// kubectl finds it there: a second one would only be in its shadow, and
		// `kubectl plugin list` complain.
		u.Say("kubectl runs %s already", on)
		main = on
	}
	for _, name := range linkNames() {
		it := linkItem{Name: name, Path: filepath.Join(dir, env.Exe(name)), Target: main}
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
			it.Target = linkTarget(e, self)
			fallthrough
		default:
			if it.State, err = linkState(e, it.Path, it.Target); err != nil {
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
	if err := printLinks(u, items); err != nil {
		return err
	}
	checkLinkPath(e, u, dir, main)
	return nil
}

func printLinks(u *ui.UI, items []linkItem) error {
	v := ui.List("LinkList", "link", items)
	v.Text = func(w ui.Lines) {
		for _, it := range items {
			w.Line("%s %s -> %s", it.State, it.Path, it.Target)
		}
	}
	return u.Print(v)
}

// linkDir is the folder for the links. krew's own is refused: krew takes what
// lies there for its own, and no longer works once its last plugin is gone.
func linkDir(e *env.Env, dir string) (string, error) {
	if dir == "" {
		home := e.UserHome()
		if home == "" {
			return "", hint.Usagef("home: HOME is not set; say --dir DIR")
		}
		dir = filepath.Join(home, ".local", "bin")
	}
	dir = e.Abs(dir)
	if root := krewRoot(e); root != "" && (samePath(dir, filepath.Join(root, "bin")) || disk.SameFile(dir, filepath.Join(root, "bin"))) {
		return "", hint.Usagef("--dir %s: is krew's own folder, which must hold krew's links only; name another folder of the PATH", dir)
	}
	return dir, nil
}

func krewRoot(e *env.Env) string {
	if root := e.Getenv("KREW_ROOT"); root != "" {
		return filepath.Clean(root)
	}
	if home := e.UserHome(); home != "" {
		return filepath.Join(home, ".krew")
	}
	return ""
}

// linkTarget is where the first link points: to krew's own link where krew
// installed this program, since the file behind that moves with every upgrade;
// otherwise to the program as it was invoked, unresolved for the same reason.
// The links for completion point to the first.
func linkTarget(e *env.Env, self string) string {
	if root := krewRoot(e); root != "" {
		if link := filepath.Join(root, "bin", env.Exe(krewName)); disk.SameFile(self, link) {
			return link
		}
	}
	return self
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
