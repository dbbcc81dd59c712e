package project

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

func versionsCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var limit int
	cmd := e.Command(env.Command{
		Use:   "versions NAME",
		Short: "List a driver's releases: versions, hosts and platforms they support",
		Long: `Reads every release of the driver in the repository that the manifest names, or
without a manifest where SchemaHero publishes, newest first. Floating tags are
left out; one that does not name what the versions say it should is warned of.
A version that was withdrawn, or whose tag was moved since it was locked, is
marked.`,
		Examples: []env.Example{
			{"versions postgres", "what there is of the postgres driver"},
			{"versions postgres --limit 5 -o wide", "the newest five, with digests"},
			{"versions postgres -o jsonpath='{.items[0].version}'", "the newest version, for a script"},
		},
		Complete: complete.Locked(e),
		Args:     env.Exactly(1, "NAME"),
		Run: func(cmd *cobra.Command, args []string) error {
			if limit < 0 {
				return hint.Usagef("--limit %d: is negative", limit)
			}
			return hint.Online(runVersions(cmd.Context(), e, u, args[0], limit))
		},
	})
	cmd.Flags().IntVar(&limit, "limit", 0, "only this many, the newest (default: all)")
	return cmd
}

func runVersions(ctx context.Context, e *env.Env, u *ui.UI, name string, limit int) error {
	if err := artifact.CheckName(name); err != nil {
		return hint.Usage(err)
	}
	if driver, ok := artifact.DriverOf(name); ok {
		u.Say("%s is served by the driver %s", name, driver)
		name = driver
	}
	found, err := versions(ctx, e, name, limit)
	if err != nil {
		return err
	}
	var items []versionItem
	for _, s := range found.Strays {
		u.Warn("%s: %s", found.Repository, s.String())
	}
	if len(found.Strays) > 0 {
		registry, joined := strings.CutSuffix(found.Repository, "/"+name)
		if before, ok := strings.CutSuffix(found.Repository, name); ok && !joined {
			registry = before + "{name}"
		}
		u.Hint("hint:", "its publisher sets them: %s push %s --repair-tags --registry %s", e.Name(), name, registry)
	}
	for _, f := range found.Versions {
		it := versionItem{Version: f.Version, Tag: f.Tag, Digest: string(f.Digest), Platforms: []string{}, SchemaHero: f.Requires[artifact.Host],
			Created: ui.Time(f.Created), Moved: f.Moved, note: versionNote(f)}
		it.Size, it.OtherSize = sizeHere(e.Platform, f)
		it.shown = ui.Bytes(it.Size)
		if it.OtherSize > 0 {
			it.shown += " or " + ui.Bytes(it.OtherSize)
		}
		for _, p := range f.Platforms {
			it.Platforms = append(it.Platforms, p.String())
		}
		if f.Withdrawn != nil {
			it.Withdrawn = f.Withdrawn.String()
		}
		if f.Stated != nil {
			u.Warn("%s", f.Stated.Error())
		}
		items = append(items, it)
	}
	return u.Print(ui.List("VersionList", "release", items))
}

// versionItem is an item of a VersionList: one released version.
type versionItem struct {
	Version    string   `json:"version" col:"VERSION,name"`
	SchemaHero string   `json:"schemahero" col:"SCHEMAHERO"`
	Created    string   `json:"created" col:"CREATED"`
	Size       int64    `json:"size"`
	OtherSize  int64    `json:"otherSize,omitempty"`
	shown      string   `col:"SIZE"`
	Platforms  []string `json:"platforms" col:"PLATFORMS"`
	note       string   `col:"NOTE"`
	Tag        string   `json:"tag" col:"+TAG"`
	Digest     string   `json:"digest" col:"+DIGEST"`
	Moved      bool     `json:"moved"`
	Withdrawn  string   `json:"withdrawn"`
}

// versions asks the project's repositories, or without a project the built-in
// ones.
func versions(ctx context.Context, e *env.Env, name string, limit int) (*resolve.VersionList, error) {
	p, err := e.Project()
	if err == nil {
		return p.Versions(ctx, name, limit)
	}
	if !project.Missing(err) || e.Flags.File != "" {
		return nil, err
	}
	o, err := e.Options()
	if err != nil {
		return nil, err
	}
	return project.Versions(ctx, o, name, limit)
}

// sizeHere is how many bytes a version is to fetch for this machine, or else
// for the first platform that it serves, and how many for who takes the other
// compression.
func sizeHere(here artifact.Platform, f resolve.VersionInfo) (size, other int64) {
	if len(f.Builds) == 0 {
		return 0, 0
	}
	at := max(0, slices.IndexFunc(f.Builds, func(b artifact.Build) bool { return b.Platform == here }))
	for _, b := range f.Others {
		if b.Platform == f.Builds[at].Platform {
			other = b.Layer.Size
		}
	}
	return f.Builds[at].Layer.Size, other
}

func versionNote(f resolve.VersionInfo) string {
	withdrawn := ""
	if f.Withdrawn != nil {
		withdrawn = f.Withdrawn.String()
	}
	switch {
	case f.Withdrawn != nil && f.Moved:
		return "locked, moved; " + withdrawn
	case f.Withdrawn != nil && f.Locked:
		return "locked; " + withdrawn
	case f.Withdrawn != nil:
		return withdrawn
	case f.Problem != nil:
		return "unreadable: " + f.Problem.Error()
	case f.Moved:
		return "locked, moved"
	case f.Locked:
		return "locked"
	}
	return ""
}
