package project

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func outdatedCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var exitCode bool
	cmd := e.Command(env.Command{
		Use:   "outdated",
		Short: "Show drivers that have newer releases",
		Long: `CURRENT is locked, WANTED is what update would take, LATEST is the newest that
there is, whether the manifest admits it or not. Tags that were moved or deleted
in the registry since they were locked, and releases that were withdrawn, are
told too.

--exit-code makes it exit 3 if a driver is behind its latest version, or
moved.`,
		Examples: []env.Example{
			{"outdated", "what could be updated"},
			{"outdated --exit-code", "for a scheduled job: 3 if something is behind"},
			{"outdated -o json", "the same for a script"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run:      func(cmd *cobra.Command, _ []string) error { return runOutdated(cmd.Context(), e, u, exitCode) },
	})
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit 3 if a driver is behind")
	return cmd
}

// outdatedItem is an item of an OutdatedList.
type outdatedItem struct {
	Name       string   `json:"name" col:"NAME,name"`
	Current    string   `json:"current" col:"CURRENT"`
	Wanted     string   `json:"wanted" col:"WANTED"`
	Latest     string   `json:"latest" col:"LATEST"`
	note       string   `col:"NOTE"`
	Repository string   `json:"repository" col:"+REPOSITORY"`
	Moved      []string `json:"moved"`
	Withdrawn  string   `json:"withdrawn"`
}

func runOutdated(ctx context.Context, e *env.Env, u *ui.UI, exitCode bool) error {
	p, err := e.Project()
	if err != nil {
		return err
	}
	found, err := p.Outdated(ctx)
	if err != nil {
		return err
	}
	var items []outdatedItem
	behind := 0
	for _, f := range found {
		it := outdatedItem{Name: f.Plugin, Current: f.Current, Wanted: f.Wanted, Latest: f.Latest, Repository: f.Repository, Moved: []string{}}
		for _, m := range f.Moved {
			it.Moved = append(it.Moved, m.String())
		}
		switch {
		case len(f.Moved) > 0:
			it.note = movedNote(f.Moved[0])
			u.Warn("%s", f.Moved[0].String())
		case f.Digest:
			it.note = "new content"
		case f.Kept != "":
			it.note = "kept"
		}
		if f.Withdrawn != nil {
			it.Withdrawn = f.Withdrawn.String()
			it.note = strings.TrimSuffix("withdrawn, "+it.note, ", ")
			u.Warn("%s %s: %s", f.Plugin, f.Current, it.Withdrawn)
		}
		if f.Kept != "" {
			u.Say("%s: an update keeps %s: %s", f.Plugin, f.Current, f.Kept)
		}
		if f.Outdated() {
			behind++
		}
		items = append(items, it)
	}
	if err := u.Print(ui.List("OutdatedList", "plugin", items)); err != nil {
		return err
	}
	if exitCode && behind > 0 {
		return &hint.DriftError{Text: ui.Count(behind, "driver") + " behind", Next: nextUpdate(e, found)}
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
func nextUpdate(e *env.Env, found []resolve.Behind) string {
	next := ""
	for _, f := range found {
		switch {
		case f.Wanted != f.Current || f.Digest:
			return e.Name() + " update"
		case len(f.Moved) > 0 && (f.Moved[0].Now == "" || f.Kept != ""):
			next = e.Name() + " why " + f.Plugin
		case len(f.Moved) > 0:
			next = e.Name() + " update --accept-moved " + f.Plugin
		case f.Outdated() && next == "":
			next = e.Name() + " add " + f.Plugin + "@^" + f.Latest
		}
	}
	return next
}
