package project

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

func whyCommand(e *env.Env, u *ui.UI) *cobra.Command {
	cmd := e.Command(env.Command{
		Use:   "why NAME",
		Short: "Explain why this version of a driver is locked, tag by tag",
		Long: `Shows where the driver was looked for, who wants it, and every tag of its
repository with the reason it was taken or passed over: floating, not a version,
another platform's, same version, prerelease, constraint, platform, age, host,
withdrawn or conflict. The last line tells which constraint would admit the next
version.`,
		Examples: []env.Example{
			{"why postgres", "why this version, and not another one"},
			{"why postgres -o json", "the same for a script"},
			{"why timescaledb -f other.toml", "in another manifest"},
		},
		Complete: complete.Locked(e),
		Args:     env.Exactly(1, "NAME"),
		Run:      func(cmd *cobra.Command, args []string) error { return runWhy(cmd.Context(), e, u, args[0]) },
	})
	return cmd
}

// rulingItem is an item of a RulingList: what became of one tag.
type rulingItem struct {
	Tag      string `json:"tag" col:"TAG,name"`
	Verdict  string `json:"verdict" col:"VERDICT"`
	Detail   string `json:"detail" col:"DETAIL"`
	Version  string `json:"version" col:"+VERSION"`
	Platform string `json:"platform" col:"+PLATFORM"`
}

func runWhy(ctx context.Context, e *env.Env, u *ui.UI, name string) error {
	p, err := e.Project()
	if err != nil {
		return err
	}
	names, err := drivers(u, p, []string{name})
	if err != nil {
		return err
	}
	x, err := p.Explain(ctx, names[0])
	if err != nil {
		return err
	}
	var items []rulingItem
	for _, r := range x.Tags {
		items = append(items, rulingItem{Tag: r.Tag, Version: r.Version, Platform: r.Platform.String(), Verdict: string(r.Verdict), Detail: r.Detail})
	}
	v := ui.List("RulingList", "tag", items)
	if u.Output != "" {
		return u.Print(v)
	}
	out := ui.NewLines(u.Out)
	printWhy(u, out, x)
	if len(items) > 0 {
		if err := u.Print(v); err != nil {
			return err
		}
	}
	if x.Next != "" {
		out.Line("")
		out.Line("the next version, %s, would be admitted by %s", x.Next, x.NextConstraint)
	}
	return nil
}

// printWhy reports who wants the driver, where it was looked for, and what is
// taken.
func printWhy(u *ui.UI, w ui.Lines, e *resolve.Explanation) {
	if e.Wants != "" {
		w.Line("%s: %s wants %s", e.Plugin, fmt.Sprintf("%s:%d", u.Rel(e.Pos.File), e.Pos.Line), e.Wants)
	}
	for _, r := range e.RequiredBy {
		w.Line("%s: %s %s requires %s", e.Plugin, r.By, r.Version, r.Constraint)
	}
	exist := 0
	for _, p := range e.Places {
		switch {
		case p.Err != nil:
			w.Line("  not in %s: %s", p.Repository, p.Err.Error())
		case p.Used:
			exist++
			w.Line("  found in %s: %s", p.Repository, ui.Count(p.Tags, "tag"))
		default:
			exist++
			w.Line("  also in %s, which comes later: %s", p.Repository, ui.Count(p.Tags, "tag"))
		}
	}
	if exist > 1 {
		w.Line("  the name exists in %d repositories; the first is used", exist)
	}
	detail := ""
	if e.Detail != "" {
		detail = "; " + e.Detail
	}
	switch {
	case e.Problem != nil:
		w.Text(e.Problem.Error())
	case e.Kept:
		w.Line("  %s is kept, because it is locked%s", e.Taken, detail)
	case e.Taken != "":
		w.Line("  %s is taken%s", e.Taken, detail)
	}
	w.Line("")
}
