package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

// searchPath is where the host would look for drivers from here.
func (a *app) searchPath() []string {
	return install.SearchPath(a.Directory, a.userHome(), a.env("SCHEMAHERO_PLUGIN_PATH"))
}

// syncProject is project for commands that can do without a manifest: the lock
// is looked for where the manifest would be.
func (a *app) syncProject(manifestOptional bool) (*plugins.Project, error) {
	p, err := a.project()
	if err == nil || !manifestOptional || !plugins.Missing(err) {
		return p, err
	}
	o, err := a.options()
	if err != nil {
		return nil, err
	}
	for dir := a.Directory; ; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, plugins.ManifestName)
		if q := plugins.Open(file, o); exists(q.LockFile()) {
			return q, nil
		}
		if dir == filepath.Dir(dir) {
			return plugins.Open(filepath.Join(a.Directory, plugins.ManifestName), o), nil
		}
	}
}

func (a *app) listCommand() *cobra.Command {
	return a.command("list", "List installed drivers and what the host would load",
		`Shows the drivers of the project's lock, what else this program installed where
the host looks, and drivers that others put there. The state is one of

  ok             as the lock says
  missing        not installed
  changed        installed, then changed
  notExecutable  the host cannot start it
  foreign        not installed by this program
  shadowed       the host finds another one first; one in the working
                 directory it then does not start, and goes on to the home
                 or downloads
  unused         wanted by no lock; prune removes it`,
		examples(
			"list", "what is installed",
			"list -o wide", "with platforms, repositories and digests",
			"list -o jsonpath='{.items[*].name}'", "names, for a script"),
		none, func(cmd *cobra.Command, _ []string) error {
			p, err := a.syncProject(true)
			if err != nil {
				return err
			}
			statuses, err := p.List(cmd.Context(), a.searchPath())
			if err != nil {
				return err
			}
			lock, err := p.ReadLock()
			if err != nil {
				return err
			}
			var names []string
			for _, s := range statuses {
				if !slices.Contains(names, s.Name) {
					names = append(names, s.Name)
					a.warnUnstarted(install.Discover(hostPlatform().Executable(s.Name), a.searchPath()))
				}
			}
			return a.ui.Print(ui.Plugins(statuses, lock))
		})
}

// warnUnstarted tells of a file that the host finds first and does not start.
func (a *app) warnUnstarted(found []install.Found) {
	if len(found) > 0 && found[0].Problem != "" {
		a.ui.Warn("%s: %s: the host finds it first, and then takes what is in ~/.schemahero/plugins, or downloads a driver", found[0].Path, found[0].Problem)
	}
}

func (a *app) verifyCommand() *cobra.Command {
	var remote bool
	cmd := a.command("verify", "Hash every installed driver and tell what differs from the lock",
		`Unlike sync, which trusts its receipts, verify reads every byte. What it finds
changed, the next sync repairs. Exit code 3 where anything differs.

--remote also asks the registries whether the locked tags still name the locked
digests, and whether digest, manifest and layer are one chain.`,
		examples(
			"verify", "is every installed driver as the lock says?",
			"verify -o json", "the same for a script",
			"verify --remote", "do the registries still hold what is locked?"),
		none, func(cmd *cobra.Command, _ []string) error { return a.runVerify(cmd.Context(), remote) })
	cmd.Flags().BoolVar(&remote, "remote", false, "also hold the lock against the registries")
	return cmd
}

func (a *app) runVerify(ctx context.Context, remote bool) error {
	p, err := a.syncProject(true)
	if err != nil {
		return err
	}
	if !exists(p.ManifestFile()) && !exists(p.LockFile()) {
		_, err := p.Manifest()
		return err
	}
	report, err := p.Verify(ctx, plugins.SyncOptions{Frozen: !exists(p.ManifestFile())})
	if unmarked, ok := errors.AsType[*install.MarkError](err); ok {
		a.ui.Warn("%s", unmarked.Error()) // what is wrong is known all the same
	} else if err != nil {
		return err
	}
	report.Items = plugins.Shadow(report.Items, a.searchPath())
	failed := a.printCheck(report)
	if failed != nil && !errors.As(failed, new(*drift)) || !remote {
		return failed
	}
	findings, err := p.VerifyRemote(ctx)
	for _, f := range findings {
		a.ui.Warn("%s", f.String())
	}
	if err == nil && failed == nil && len(findings) > 0 {
		failed = &drift{text: "the registries differ from the lock", next: a.displayName() + " outdated"}
	}
	return errors.Join(err, failed)
}

func (a *app) whichCommand() *cobra.Command {
	cmd := a.command("which NAME", "Tell which file the host would load for a driver, and why",
		`The host looks in the working directory, in plugins/bin, in the user's home, in
two folders of the system and in SCHEMAHERO_PLUGIN_PATH, and takes the first
file of the driver's name. One that it finds in the working directory it never
starts: it asks for the bare name, which is looked up on PATH, and then takes
the file in the user's home, or downloads one. The path goes to standard output;
files that it hides are told on standard error.`,
		examples(
			"which postgres", "the file that the host would start",
			"which cockroachdb -o json", "every candidate, for a script",
			"which postgres -v", "also the folders without one"),
		exactly(1, "NAME"), func(_ *cobra.Command, args []string) error { return a.runWhich(args[0]) })
	cmd.ValidArgsFunction = a.completeLocked
	return cmd
}

// whichItem is an item of a WhichList: a file of the driver's name.
type whichItem struct {
	Name    string `json:"name" col:"NAME,name"`
	Loaded  bool   `json:"loaded" col:"LOADED"`
	Path    string `json:"path" col:"PATH"`
	Problem string `json:"problem" col:"PROBLEM"`
}

func (a *app) runWhich(name string) error {
	if err := artifact.CheckName(name); err != nil {
		return asUsage(err)
	}
	if err := a.checkLock(); err != nil {
		return err
	}
	dirs := a.searchPath()
	found := install.Discover(hostPlatform().Executable(name), dirs)
	if a.ui.Verbose {
		for _, d := range dirs {
			if !slices.ContainsFunc(found, func(f install.Found) bool { return filepath.Dir(f.Path) == d }) {
				a.ui.Say("%s: none here", d)
			}
		}
	}
	if len(found) == 0 {
		return &refused{
			fmt.Sprintf("%s: the host finds no driver of this name", name),
			[]string{"install what the project locks: " + a.displayName() + " sync", "or the newest release, without a project: " + a.displayName() + " download " + name},
		}
	}
	loaded, ok := install.Loaded(found, a.userHome())
	var items []whichItem
	for _, f := range found {
		items = append(items, whichItem{name, ok && f.Path == loaded.Path, f.Path, f.Problem})
	}
	for _, f := range found[1:] {
		a.ui.Say("%s: shadowed by %s", f.Path, found[0].Path)
	}
	a.warnUnstarted(found)
	if !ok && a.ui.Output == "" {
		return &refused{
			fmt.Sprintf("%s: the host would download it: of the files that it finds it starts none", name),
			[]string{"remove " + found[0].Path + ", or move it to where the host starts drivers from: plugins/bin"},
		}
	}
	v := ui.List("WhichList", "plugin", items)
	v.Text = func(w ui.Lines) { w.Line("%s", loaded.Path) }
	return a.ui.Print(v)
}
