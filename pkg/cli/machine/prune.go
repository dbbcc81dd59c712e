package machine

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/duration"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func pruneCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var o install.PruneOptions
	var older string
	var dryRun bool
	cmd := e.Command(env.Command{
		Use:   "prune",
		Short: "Remove installed drivers and stored layers that no lock wants",
		Long: `A driver goes when every lock that installed it is gone or no longer names it.
What was changed since it was installed, and what was installed by hand, stays.
Layers in the store that no installed file came from go too; they can be fetched
again.

--all also removes what a download installed and no lock wants, and ends the
claim of a download on what one does.`,
		Examples: []env.Example{
			{"prune --dry-run", "what would go"},
			{"prune", "remove it"},
			{"prune --all --older-than 30d", "also downloads, but nothing younger than 30 days"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run: func(cmd *cobra.Command, _ []string) error {
			if older != "" {
				d, ok := duration.Parse(older)
				if !ok {
					return hint.Usagef("--older-than %q: write a time like 72h or 30d", older)
				}
				o.OlderThan = d
			}
			o.Store = true
			return runPrune(cmd.Context(), e, u, o, dryRun)
		},
	})
	cmd.Flags().BoolVar(&o.All, "all", false, "also what a download installed")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, print what would go")
	cmd.Flags().StringVar(&older, "older-than", "", "only what has been there for longer, like 72h or 30d")
	return cmd
}

// prunedItem is an item of a PruneList.
type prunedItem struct {
	Name    string `json:"name" col:"NAME,name"` // "" for a layer of the store
	Version string `json:"version" col:"VERSION"`
	Size    int64  `json:"size" col:"SIZE,bytes"`
	Path    string `json:"path" col:"PATH"`
	Kept    string `json:"kept,omitempty" col:"KEPT"`
	Layer   string `json:"layer"`
}

func runPrune(ctx context.Context, e *env.Env, u *ui.UI, o install.PruneOptions, dryRun bool) error {
	p, err := e.ProjectOrLock()
	if err != nil {
		return err
	}
	pruned, err := p.Prune(ctx, o, dryRun)
	if err != nil {
		for _, f := range pruned.Files { // what went all the same
			u.Say("removed %s", f.Path)
		}
		return err
	}
	return u.Print(prunedView(u, pruned, dryRun))
}

func prunedView(u *ui.UI, pruned install.Pruned, dryRun bool) ui.View {
	var items []prunedItem
	for _, f := range pruned.Files {
		items = append(items, prunedItem{Name: f.Name, Version: f.Version, Path: f.Path, Layer: string(f.Layer), Size: f.Size})
	}
	for _, f := range pruned.Changed {
		items = append(items, prunedItem{Name: f.Name, Version: f.Version, Path: f.Path, Layer: string(f.Layer), Size: f.Size, Kept: "changed since it was installed"})
	}
	for _, l := range pruned.Layers {
		items = append(items, prunedItem{Path: l.Path, Layer: string(l.Layer), Size: l.Size + l.Kept})
	}
	v := ui.List("PruneList", "plugin", items)
	v.Text = func(w ui.Lines) {
		for _, it := range items {
			if it.Kept != "" {
				u.Warn("%s: left alone: %s", it.Path, it.Kept)
				continue
			}
			w.Line("%s %s", ui.Removed(dryRun), it.Path)
		}
		if len(items) == 0 {
			u.Say("nothing to remove")
			return
		}
		u.Say("%s %s", ui.Removed(dryRun), ui.Bytes(pruned.Bytes))
	}
	return v
}
