package shell

import (
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func unlinkCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var dir string
	cmd := e.Command(env.Command{
		Use:   "unlink",
		Short: "Remove the links that link created",
		Long: `Removes the links of this program, and no other file. Run it before this program
is uninstalled; afterwards kubectl hands "kubectl schemahero plugin" to the host
again.`,
		Examples: []env.Example{
			{"unlink", "the links in ~/.local/bin"},
			{"unlink --dir ~/bin", "in another folder"},
			{"unlink -o name", "tell only which were removed"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run:      func(*cobra.Command, []string) error { return runUnlink(e, u, dir) },
	})
	cmd.Flags().StringVar(&dir, "dir", "", "folder that the links are in (default: ~/.local/bin)")
	_ = cmd.MarkFlagDirname("dir")
	return cmd
}

func runUnlink(e *env.Env, u *ui.UI, dir string) error {
	f, err := folder(e, dir)
	if err != nil {
		return err
	}
	removed, foreign, err := f.Remove()
	for _, path := range foreign {
		u.Warn("%s: was not made by link, and stays", path)
	}
	if err != nil {
		return err
	}
	if len(removed) == 0 {
		u.Say("%s: no link of this program", f.Dir)
		if u.Output == "" {
			return nil
		}
	}
	return printLinks(u, removed)
}
