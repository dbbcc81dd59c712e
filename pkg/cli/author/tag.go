package author

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func tagCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var force bool
	cmd := e.Command(env.Command{
		Use:   "tag REF TAG...",
		Short: "Add tags to a published release",
		Long: `REF is HOST/PATH:TAG or HOST/PATH@DIGEST. A tag that names a version and stands
for something else is refused without --force.`,
		Examples: []env.Example{
			{"tag ghcr.io/acme/schemahero/postgres:0.1.2 stable", "one more tag"},
			{"tag ghcr.io/acme/schemahero/postgres:0.1.2 stable production", "two"},
			{"tag ghcr.io/acme/schemahero/postgres@sha256:… stable", "of a digest"},
		},
		Complete: complete.Releases(e),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return hint.Usagef("TAG is missing")
			}
			return env.AtLeast(2, "REF and TAG")(cmd, args)
		},
		Run: func(cmd *cobra.Command, args []string) error {
			repository, reference, err := env.SplitReference(args[0])
			if err != nil {
				return err
			}
			repo, err := publishTarget(e, repository)
			if err != nil {
				return err
			}
			moves, err := publish.AddTags(cmd.Context(), repo, reference, args[1:], force)
			if err == nil {
				warnStated(cmd.Context(), u, repo, reference, moves)
			}
			return printMoves(u, repo.Name(), moves, err, args[0]+" has these tags already")
		},
	})
	cmd.Flags().BoolVar(&force, "force", false, "move a tag that names a version")
	return cmd
}

// warnStated tells of tags for another version than the one that the release
// states: under a trust rule nobody can take it under them. What is not a release
// states none.
func warnStated(ctx context.Context, u *ui.UI, repo registry.Repository, reference string, moves []publish.TagMove) {
	rel, err := artifact.ReadReferenceFor(ctx, repo, manifest.NameIn(repo.Name()), reference, []artifact.Platform{})
	for _, m := range moves {
		tag, ok := artifact.ParseTag(m.Tag)
		if err != nil || !ok {
			continue
		}
		if err := rel.CheckStated(tag.Version.String()); err != nil {
			u.Warn("%s", err.Error())
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

// printMoves prints the tags that were set, some of them perhaps before an error;
// none is what to say where there was nothing to do.
func printMoves(u *ui.UI, repository string, moves []publish.TagMove, err error, none string) error {
	if err != nil {
		for _, m := range moves {
			u.Note("%s:%s %s", repository, m.Tag, m.Digest) // what was set before
		}
		return hint.Online(err)
	}
	if len(moves) == 0 && u.Output == "" {
		u.Say("%s", none)
		return nil
	}
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
	return u.Print(v)
}
