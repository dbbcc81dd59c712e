package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
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
		a.ui.Say("%s is served by the driver %s", name, driver)
		name = driver
	}
	found, err := a.versions(ctx, name, limit)
	if err != nil {
		return err
	}
	var items []versionItem
	for _, f := range found {
		it := versionItem{Version: f.Version, Tag: f.Tag, Digest: string(f.Digest), Platforms: []string{}, SchemaHero: f.Requires[artifact.Host],
			Created: ui.Time(f.Created), Moved: f.Moved, Size: sizeHere(f), note: versionNote(f)}
		for _, p := range f.Platforms {
			it.Platforms = append(it.Platforms, p.String())
		}
		if f.Stated != nil {
			a.ui.Warn("%s", f.Stated.Error())
		}
		items = append(items, it)
	}
	return a.ui.Print(ui.List("VersionList", "release", items))
}

// versionItem is an item of a VersionList: one released version.
type versionItem struct {
	Version    string   `json:"version" col:"VERSION,name"`
	SchemaHero string   `json:"schemahero" col:"SCHEMAHERO"`
	Created    string   `json:"created" col:"CREATED"`
	Size       int64    `json:"size" col:"SIZE,bytes"`
	Platforms  []string `json:"platforms" col:"PLATFORMS"`
	note       string   `col:"NOTE"`
	Tag        string   `json:"tag" col:"+TAG"`
	Digest     string   `json:"digest" col:"+DIGEST"`
	Moved      bool     `json:"moved"`
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
	Tag      string `json:"tag" col:"TAG,name"`
	Verdict  string `json:"verdict" col:"VERDICT"`
	Detail   string `json:"detail" col:"DETAIL"`
	Version  string `json:"version" col:"+VERSION"`
	Platform string `json:"platform" col:"+PLATFORM"`
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
	var items []rulingItem
	for _, r := range e.Tags {
		items = append(items, rulingItem{Tag: r.Tag, Version: r.Version, Platform: r.Platform.String(), Verdict: string(r.Verdict), Detail: r.Detail})
	}
	v := ui.List("RulingList", "tag", items)
	if a.ui.Output != "" {
		return a.ui.Print(v)
	}
	out := ui.NewLines(a.ui.Out)
	a.printWhy(out, e)
	if len(items) > 0 {
		if err := a.ui.Print(v); err != nil {
			return err
		}
	}
	if e.Next != "" {
		out.Line("")
		out.Line("the next version, %s, would be admitted by %s", e.Next, e.NextConstraint)
	}
	return nil
}

// printWhy tells who wants the driver, where it was looked for, and what is
// taken.
func (a *app) printWhy(w ui.Lines, e *resolve.Explanation) {
	if e.Wants != "" {
		w.Line("%s: %s wants %s", e.Plugin, fmt.Sprintf("%s:%d", a.ui.Rel(e.Pos.File), e.Pos.Line), e.Wants)
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
	switch {
	case e.Problem != nil:
		w.Text(e.Problem.Error())
	case e.Kept:
		w.Line("  %s is kept, because it is locked", e.Taken)
	case e.Taken != "":
		w.Line("  %s is taken", e.Taken)
	}
	w.Line("")
}
