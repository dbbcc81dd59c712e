package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func (a *app) versionsCommand() *cobra.Command {
	var limit int
	cmd := a.command("versions NAME", "List a driver's releases: versions, hosts and platforms they support",
		`Reads every release of the driver in the repository that the manifest names, or
without a manifest where SchemaHero publishes, newest first. Floating tags are
left out. A version whose tag was moved since it was locked is marked.`,
		examples(
			"versions postgres", "what there is of the postgres driver",
			"versions postgres --limit 5 -o wide", "the newest five, with digests",
			"versions postgres -o jsonpath='{.items[0].version}'", "the newest version, for a script"),
		exactly(1, "NAME"), func(cmd *cobra.Command, args []string) error {
			if limit < 0 {
				return usagef("--limit %d: is negative", limit)
			}
			return online(a.runVersions(cmd.Context(), args[0], limit))
		})
	cmd.Flags().IntVar(&limit, "limit", 0, "only this many, the newest (default: all)")
	cmd.ValidArgsFunction = a.completeLocked
	return cmd
}

func (a *app) runVersions(ctx context.Context, name string, limit int) error {
	if err := artifact.CheckName(name); err != nil {
		return asUsage(err)
	}
	if driver, ok := artifact.DriverOf(name); ok {
		a.say("%s is served by the driver %s", name, driver)
		name = driver
	}
	found, err := a.versions(ctx, name, limit)
	if err != nil {
		return err
	}
	v := view{columns: cols("VERSION", "SCHEMAHERO", "CREATED", "SIZE", "PLATFORMS", "NOTE", "+TAG", "+DIGEST")}
	var items []versionItem
	for _, f := range found {
		it := versionItem{Version: f.Version, Tag: f.Tag, Digest: string(f.Digest), Platforms: []string{}, SchemaHero: f.Requires[artifact.Host],
			Created: timeText(f.Created), Moved: f.Moved, Size: sizeHere(f)}
		for _, p := range f.Platforms {
			it.Platforms = append(it.Platforms, p.String())
		}
		note := versionNote(f)
		items = append(items, it)
		v.names = append(v.names, f.Version)
		v.rows = append(v.rows, []any{it.Version, it.SchemaHero, it.Created, bytesText(it.Size), strings.Join(it.Platforms, ","), note, it.Tag, it.Digest})
	}
	v.object = newList("VersionList", items)
	return a.print(v)
}

// versions asks the project's repositories, or without a project the built-in
// ones.
func (a *app) versions(ctx context.Context, name string, limit int) ([]resolve.VersionInfo, error) {
	p, err := a.project()
	if err == nil {
		return p.Versions(ctx, name, limit)
	}
	if !plugins.Missing(err) || a.flags.file != "" {
		return nil, err
	}
	o, err := a.options()
	if err != nil {
		return nil, err
	}
	return plugins.Versions(ctx, o, name, limit)
}

// sizeHere is how many bytes a version is to fetch for this machine, or else
// for the first platform that it serves.
func sizeHere(f resolve.VersionInfo) int64 {
	for _, b := range f.Builds {
		if b.Platform == hostPlatform() {
			return b.Layer.Size
		}
	}
	if len(f.Builds) > 0 {
		return f.Builds[0].Layer.Size
	}
	return 0
}

func versionNote(f resolve.VersionInfo) string {
	switch {
	case f.Problem != nil:
		return "unreadable: " + f.Problem.Error()
	case f.Moved:
		return "locked, moved"
	case f.Locked:
		return "locked"
	}
	return ""
}

func (a *app) whyCommand() *cobra.Command {
	cmd := a.command("why NAME", "Tell why a driver is locked in its version, tag by tag",
		`Shows where the driver was looked for, who wants it, and every tag of its
repository with the reason it was taken or passed over: floating, not a version,
another platform's, same version, prerelease, constraint, platform, age, host or
conflict. The last line tells which constraint would admit the next version.`,
		examples(
			"why postgres", "why this version, and not another one",
			"why postgres -o json", "the same for a script",
			"why timescaledb -f other.toml", "in another manifest"),
		exactly(1, "NAME"), func(cmd *cobra.Command, args []string) error { return a.runWhy(cmd.Context(), args[0]) })
	cmd.ValidArgsFunction = a.completeLocked
	return cmd
}

// rulingItem is an item of a RulingList: what became of one tag.
type rulingItem struct {
	Tag      string `json:"tag"`
	Version  string `json:"version"`
	Platform string `json:"platform"`
	Verdict  string `json:"verdict"`
	Detail   string `json:"detail"`
}

func (a *app) runWhy(ctx context.Context, name string) error {
	p, err := a.project()
	if err != nil {
		return err
	}
	names, err := a.drivers(p, []string{name})
	if err != nil {
		return err
	}
	e, err := p.Explain(ctx, names[0])
	if err != nil {
		return err
	}
	v := view{columns: cols("TAG", "VERDICT", "DETAIL", "+VERSION", "+PLATFORM")}
	var items []rulingItem
	for _, r := range e.Rulings {
		it := rulingItem{r.Tag, r.Version, r.Platform.String(), string(r.Verdict), r.Detail}
		items = append(items, it)
		v.names = append(v.names, r.Tag)
		v.rows = append(v.rows, []any{it.Tag, it.Verdict, it.Detail, it.Version, it.Platform})
	}
	v.object = newList("RulingList", items)
	if a.flags.output != "" {
		return a.print(v)
	}
	a.printWhy(a.Out, e)
	if len(items) > 0 {
		if err := a.print(v); err != nil {
			return err
		}
	}
	if e.Next != "" {
		fmt.Fprintf(a.Out, "\nthe next version, %s, would be admitted by %s\n", escape(e.Next), escape(e.NextConstraint))
	}
	return nil
}

// printWhy tells who wants the driver, where it was looked for, and what is
// taken.
func (a *app) printWhy(w io.Writer, e *resolve.Explanation) {
	if e.Wants != "" {
		fmt.Fprintf(w, "%s: %s wants %s\n", escape(e.Plugin), escape(fmt.Sprintf("%s:%d", a.rel(e.Pos.File), e.Pos.Line)), escape(e.Wants))
	}
	for _, r := range e.RequiredBy {
		fmt.Fprintf(w, "%s: %s %s requires %s\n", escape(e.Plugin), escape(r.By), escape(r.Version), escape(r.Constraint))
	}
	exist := 0
	for _, p := range e.Places {
		switch {
		case p.Err != nil:
			fmt.Fprintf(w, "  not in %s: %s\n", escape(p.Repository), escape(p.Err.Error()))
		case p.Used:
			exist++
			fmt.Fprintf(w, "  found in %s: %s\n", escape(p.Repository), count(p.Tags, "tag"))
		default:
			exist++
			fmt.Fprintf(w, "  also in %s, which comes later: %s\n", escape(p.Repository), count(p.Tags, "tag"))
		}
	}
	if exist > 1 {
		fmt.Fprintf(w, "  the name exists in %d repositories; the first is used\n", exist)
	}
	switch {
	case e.Problem != nil:
		fmt.Fprintln(w, escapeLines(e.Problem.Error()))
	case e.Kept:
		fmt.Fprintf(w, "  %s is kept, because it is locked\n", escape(e.Taken))
	case e.Taken != "":
		fmt.Fprintf(w, "  %s is taken\n", escape(e.Taken))
	}
	fmt.Fprintln(w)
}
