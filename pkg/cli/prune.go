package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

func (a *app) pruneCommand() *cobra.Command {
	var o install.PruneOptions
	var older string
	var dryRun bool
	cmd := a.command("prune", "Remove installed drivers and stored layers that no lock wants",
		`A driver goes when every lock that installed it is gone or no longer names it.
What was changed since it was installed, and what was installed by hand, stays.
Layers in the store that no installed file came from go too; they can be fetched
again.

--all also removes what a download installed and no lock wants, and ends the
claim of a download on what one does.`,
		examples(
			"prune --dry-run", "what would go",
			"prune", "remove it",
			"prune --all --older-than 30d", "also downloads, but nothing younger than 30 days"),
		none, func(cmd *cobra.Command, _ []string) error {
			if older != "" {
				d, err := parseAge(older)
				if err != nil {
					return err
				}
				o.OlderThan = d
			}
			if err := a.checkLock(); err != nil {
				return err
			}
			o.Store = true
			return a.runPrune(cmd.Context(), o, dryRun)
		})
	cmd.Flags().BoolVar(&o.All, "all", false, "also what a download installed")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, print what would go")
	cmd.Flags().StringVar(&older, "older-than", "", "only what has been there for longer, like 72h or 30d")
	return cmd
}

// checkLock refuses a project whose lock cannot be read, where there is one: what
// it wants is not known.
func (a *app) checkLock() error {
	p, err := a.syncProject(true)
	if err != nil {
		return err
	}
	_, err = p.ReadLock()
	return err
}

// parseAge reads a duration, in days too.
func parseAge(s string) (time.Duration, error) {
	var days int
	if n, err := fmt.Sscanf(s, "%dd", &days); n == 1 && err == nil && fmt.Sprintf("%dd", days) == s && days >= 0 {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, usagef("--older-than %q: write a time like 72h or 30d", s)
	}
	return d, nil
}

// prunedItem is an item of a PruneList.
type prunedItem struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path"`
	Layer   string `json:"layer"`
	Size    int64  `json:"size"`
	Kept    string `json:"kept,omitempty"`
}

func (a *app) runPrune(ctx context.Context, o install.PruneOptions, dryRun bool) error {
	opt, err := a.options()
	if err != nil {
		return err
	}
	pruned, err := prune(ctx, opt.Engine(), o, dryRun)
	if err != nil {
		for _, f := range pruned.Files { // what went all the same
			a.say("removed %s", escape(f.Path))
		}
		return err
	}
	return a.print(a.prunedView(pruned, dryRun))
}

func prune(ctx context.Context, engine *install.Engine, o install.PruneOptions, dryRun bool) (install.Pruned, error) {
	if dryRun {
		return engine.Prunable(ctx, o)
	}
	hold, err := engine.Lock(ctx)
	if err != nil {
		return install.Pruned{}, err
	}
	defer hold.Unlock()
	return hold.Prune(ctx, o)
}

func (a *app) prunedView(pruned install.Pruned, dryRun bool) view {
	var items []prunedItem
	for _, f := range pruned.Files {
		items = append(items, prunedItem{Name: f.Name, Version: f.Version, Path: f.Path, Layer: string(f.Layer), Size: f.Size})
	}
	for _, f := range pruned.Changed {
		items = append(items, prunedItem{Name: f.Name, Version: f.Version, Path: f.Path, Layer: string(f.Layer), Size: f.Size, Kept: "changed since it was installed"})
	}
	for _, l := range pruned.Layers {
		items = append(items, prunedItem{Path: l.Path, Layer: string(l.Layer), Size: l.Size})
	}
	v := view{object: newList("PruneList", items), columns: cols("NAME", "VERSION", "SIZE", "PATH", "KEPT")}
	for _, it := range items {
		if it.Name != "" { // else a layer of the store
			v.names = append(v.names, it.Name)
		}
		v.rows = append(v.rows, []any{it.Name, it.Version, bytesText(it.Size), it.Path, it.Kept})
	}
	v.text = func(w io.Writer) {
		for _, it := range items {
			if it.Kept != "" {
				a.warn("%s: left alone: %s", it.Path, it.Kept)
				continue
			}
			fmt.Fprintf(w, "%s %s\n", removed(dryRun), escape(it.Path))
		}
		if len(items) == 0 {
			a.say("nothing to remove")
			return
		}
		a.say("%s %s", removed(dryRun), bytesText(pruned.Bytes))
	}
	return v
}

func removed(dryRun bool) string {
	if dryRun {
		return "would remove"
	}
	return "removed"
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
