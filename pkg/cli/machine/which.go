package machine

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

func whichCommand(e *env.Env, u *ui.UI) *cobra.Command {
	cmd := e.Command(env.Command{
		Use:   "which NAME",
		Short: "Show which file the host would load for a driver, and why",
		Long: `The host looks in the working directory, in plugins/bin, in the user's home, in
two folders of the system and in SCHEMAHERO_PLUGIN_PATH, and takes the first
file of the driver's name. One that it finds in the working directory it never
starts: it asks for the bare name, which is looked up on PATH, and then takes
the file in the user's home, or downloads one. The path goes to standard output;
files that it hides are told on standard error.`,
		Examples: []env.Example{
			{"which postgres", "the file that the host would start"},
			{"which cockroachdb -o json", "every candidate, for a script"},
			{"which postgres -v", "also the folders without one"},
		},
		Complete: complete.Locked(e),
		Args:     env.Exactly(1, "NAME"),
		Run:      func(_ *cobra.Command, args []string) error { return runWhich(e, u, args[0]) },
	})
	return cmd
}

// whichItem is an item of a WhichList: a file of the driver's name.
type whichItem struct {
	Name       string `json:"name" col:"NAME,name"`
	Loaded     bool   `json:"loaded" col:"LOADED"`
	Path       string `json:"path" col:"PATH"`
	Problem    string `json:"problem" col:"PROBLEM"`
	Overridden string `json:"overridden" col:"+OVERRIDDEN"` // the driver under development that is linked there
}

func runWhich(e *env.Env, u *ui.UI, name string) error {
	if err := artifact.CheckName(name); err != nil {
		return hint.Usage(err)
	}
	if err := e.CheckLock(); err != nil {
		return err
	}
	dirs := e.SearchPath()
	found := install.Discover(e.Platform.Executable(name), dirs)
	if u.Verbose {
		for _, d := range dirs {
			if !slices.ContainsFunc(found, func(f install.Found) bool { return filepath.Dir(f.Path) == d }) {
				u.Say("%s: none here", d)
			}
		}
	}
	if len(found) == 0 {
		return hint.Refuse(fmt.Sprintf("%s: the host finds no driver of this name", name), "install what the project locks: "+e.Name()+" sync", "or the newest release, without a project: "+e.Name()+" download "+name)
	}
	loaded, ok := install.Loaded(found, e.UserHome())
	var items []whichItem
	for _, f := range found {
		by, overridden := e.Home().Overridden(f.Path)
		if overridden {
			u.Warn("%s: overridden by %s, which is not what is locked", u.Rel(f.Path), u.Rel(by))
		}
		items = append(items, whichItem{name, ok && f.Path == loaded.Path, f.Path, f.Problem, by})
	}
	for _, f := range found[1:] {
		u.Say("%s: shadowed by %s", f.Path, found[0].Path)
	}
	warnUnstarted(u, found)
	if !ok && u.Output == "" {
		return hint.Refuse(fmt.Sprintf("%s: the host would download it: of the files that it finds it starts none", name), "remove "+found[0].Path+", or move it to where the host starts drivers from: plugins/bin")
	}
	v := ui.List("WhichList", "plugin", items)
	v.Text = func(w ui.Lines) { w.Line("%s", loaded.Path) }
	return u.Print(v)
}

// warnUnstarted tells of a file that the host finds first and does not start.
func warnUnstarted(u *ui.UI, found []install.Found) {
	if len(found) > 0 && found[0].Problem != "" {
		u.Warn("%s: %s: the host finds it first, and then takes what is in ~/.schemahero/plugins, or downloads a driver", found[0].Path, found[0].Problem)
	}
}
