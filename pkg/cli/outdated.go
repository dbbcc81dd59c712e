package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

func (a *app) outdatedCommand() *cobra.Command {
	var exitCode bool
	cmd := a.command("outdated", "Compare what is locked with what there is",
		`CURRENT is locked, WANTED is what update would take, LATEST is the newest that
there is, whether the manifest admits it or not. Tags that were moved or deleted
in the registry since they were locked are told too.

--exit-code makes it exit 3 where a driver is behind its latest version, or
moved.`,
		examples(
			"outdated", "what could be updated",
			"outdated --exit-code", "for a scheduled job: 3 where something is behind",
			"outdated -o json", "the same for a script"),
		none, func(cmd *cobra.Command, _ []string) error { return a.runOutdated(cmd.Context(), exitCode) })
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit 3 where a driver is behind")
	return cmd
}

// outdatedItem is an item of an OutdatedList.
type outdatedItem struct {
	Name       string   `json:"name"`
	Current    string   `json:"current"`
	Wanted     string   `json:"wanted"`
	Latest     string   `json:"latest"`
	Repository string   `json:"repository"`
	Moved      []string `json:"moved"`
}

func (a *app) runOutdated(ctx context.Context, exitCode bool) error {
	p, err := a.project()
	if err != nil {
		return err
	}
	found, err := p.Outdated(ctx)
	if err != nil {
		return err
	}
	v := view{columns: cols("NAME", "CURRENT", "WANTED", "LATEST", "NOTE", "+REPOSITORY")}
	var items []outdatedItem
	behind := 0
	for _, f := range found {
		it := outdatedItem{Name: f.Plugin, Current: f.Current, Wanted: f.Wanted, Latest: f.Latest, Repository: f.Repository, Moved: []string{}}
		for _, m := range f.Moved {
			it.Moved = append(it.Moved, m.String())
		}
		note := ""
		switch {
		case len(f.Moved) > 0:
			note = movedNote(f.Moved[0])
			a.warn("%s", escape(f.Moved[0].String()))
		case f.Digest:
			note = "new content"
		case f.Kept != "":
			note = "kept"
		}
		if f.Kept != "" {
			a.say("%s: an update keeps %s: %s", escape(f.Plugin), escape(f.Current), escape(f.Kept))
		}
		if f.Outdated() {
			behind++
		}
		items = append(items, it)
		v.names = append(v.names, f.Plugin)
		v.rows = append(v.rows, []any{it.Name, it.Current, it.Wanted, it.Latest, note, it.Repository})
	}
	v.object = newList("OutdatedList", items)
	if err := a.print(v); err != nil {
		return err
	}
	if exitCode && behind > 0 {
		return &drift{text: count(behind, "driver") + " behind", next: a.nextUpdate(found)}
	}
	return nil
}

// movedNote is Moved in a word or three.
func movedNote(m resolve.Moved) string {
	if m.Tag == "" {
		return string(m.Kind)
	}
	return "tag " + string(m.Kind)
}

// nextUpdate is what brings a driver that is behind further: an update where
// the manifest admits one, else another constraint, or a decision about a tag.
func (a *app) nextUpdate(found []resolve.Behind) string {
	next := ""
	for _, f := range found {
		switch {
		case f.Wanted != f.Current || f.Digest:
			return a.displayName() + " update"
		case len(f.Moved) > 0 && (f.Moved[0].Now == "" || f.Kept != ""):
			next = a.displayName() + " why " + f.Plugin
		case len(f.Moved) > 0:
			next = a.displayName() + " update --accept-moved " + f.Plugin
		case f.Outdated() && next == "":
			next = a.displayName() + " add " + f.Plugin + "@^" + f.Latest
		}
	}
	return next
}
