package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func (a *app) tagCommand() *cobra.Command {
	var force bool
	cmd := a.command("tag REF TAG...", "Give a release more tags, without moving bytes",
		`REF is HOST/PATH:TAG or HOST/PATH@DIGEST. A tag that names a version and stands
for something else is refused without --force.`,
		examples(
			"tag ghcr.io/acme/schemahero/postgres:0.1.2 stable", "one more tag",
			"tag ghcr.io/acme/schemahero/postgres:0.1.2 stable production", "two",
			"tag ghcr.io/acme/schemahero/postgres@sha256:… stable", "of a digest"),
		func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return usagef("TAG is missing")
			}
			return needs(2, "REF and TAG")(cmd, args)
		}, func(cmd *cobra.Command, args []string) error {
			repository, reference, err := splitRef(args[0])
			if err != nil {
				return err
			}
			repo, err := a.publishTarget(repository)
			if err != nil {
				return err
			}
			moves, err := publish.AddTags(cmd.Context(), repo, reference, args[1:], force)
			if err != nil {
				for _, m := range moves {
					a.ui.Note("%s:%s %s", repo.Name(), m.Tag, m.Digest) // what was set before
				}
				return online(err)
			}
			if len(moves) == 0 && a.ui.Output == "" {
				a.ui.Say("%s has these tags already", args[0])
				return nil
			}
			a.warnStated(cmd.Context(), repo, reference, moves)
			return a.printTags(repo.Name(), moves)
		})
	cmd.Flags().BoolVar(&force, "force", false, "move a tag that names a version")
	return cmd
}

// warnStated tells of tags for another version than the one that the release
// states: under a trust rule nobody can take it under them. What is no release
// states none.
func (a *app) warnStated(ctx context.Context, repo registry.Repository, reference string, moves []publish.TagMove) {
	rel, err := artifact.ReadReferenceFor(ctx, repo, driverName(repo.Name()), reference, []artifact.Platform{})
	for _, m := range moves {
		tag, ok := artifact.ParseTag(m.Tag)
		if err != nil || !ok {
			continue
		}
		if err := rel.CheckStated(tag.Version.String()); err != nil {
			a.ui.Warn("%s", err.Error())
		}
	}
}

// tagItem is an item of a TagList: a tag that was set.
type tagItem struct {
	Repository string `json:"repository"`
	Tag        string `json:"tag" col:"TAG,name"`
	Digest     string `json:"digest" col:"DIGEST"`
	Previous   string `json:"previous" col:"PREVIOUS"` // what it named before
}

func (a *app) printTags(repository string, moves []publish.TagMove) error {
	var items []tagItem
	for _, m := range moves {
		items = append(items, tagItem{repository, m.Tag, string(m.Digest), string(m.Previous)})
	}
	v := ui.List("TagList", "tag", items)
	v.Text = func(w ui.Lines) {
		for _, m := range moves {
			w.Line("%s:%s %s", repository, m.Tag, m.Digest)
		}
	}
	return a.ui.Print(v)
}

// splitRef splits HOST/PATH:TAG or HOST/PATH@DIGEST. Neither means latest.
func splitRef(ref string) (repository, reference string, err error) {
	if r, d, ok := strings.Cut(ref, "@"); ok {
		// As docker does: beside a digest a tag says nothing.
		if colon := strings.LastIndex(r, ":"); colon > strings.LastIndex(r, "/") && strings.Contains(r, "/") {
			r = r[:colon]
		}
		return r, d, nil
	}
	colon := strings.LastIndex(ref, ":")
	if colon < 0 || strings.Contains(ref[colon:], "/") {
		if !strings.Contains(ref, "/") {
			return "", "", usagef("REF %q: write HOST/PATH:TAG", ref)
		}
		return ref, "latest", nil
	}
	if !artifact.IsTag(ref[colon+1:]) {
		return "", "", usagef("REF %q: %q is no tag", ref, ref[colon+1:])
	}
	return ref[:colon], ref[colon+1:], nil
}
