package sources

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/search"
)

func searchCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Command(env.Command{
		Use:   "search [REGISTRY/NAMESPACE]",
		Short: "Find drivers in a registry",
		Long: `Lists the repositories below a namespace, if the registry has a catalog;
where it has none (Docker Hub) or does not show it, the known drivers that exist
there. A repository that may not be read is passed over with a warning. Without
an argument the manifest's registry is searched, or else where SchemaHero
publishes.`,
		Examples: []env.Example{
			{"search", "drivers of the manifest's registry"},
			{"search registry.internal/db", "drivers below a namespace"},
			{"search registry.internal/db -o name", "their names, for a script"},
		},
		Complete: complete.Nothing,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return env.Exactly(1, "")(cmd, args)
			}
			return nil
		},
		Run: func(cmd *cobra.Command, args []string) error {
			where := ""
			if len(args) == 1 {
				where = args[0]
			}
			return hint.Online(runSearch(cmd.Context(), e, u, where))
		},
	})
}

// foundItem is an item of a RepositoryList.
type foundItem struct {
	Name       string `json:"name" col:"NAME,name"`
	Newest     string `json:"newest" col:"NEWEST"`
	Versions   int    `json:"versions" col:"VERSIONS"`
	Repository string `json:"repository" col:"REPOSITORY"`
}

func runSearch(ctx context.Context, e *env.Env, u *ui.UI, where string) error {
	namespaces, err := e.Namespaces(where)
	if err != nil {
		return err
	}
	for _, ns := range namespaces {
		if err := manifest.CheckRegistry(ns); err != nil {
			return hint.Usage(err)
		}
	}
	client, err := e.Client()
	if err != nil {
		return err
	}
	found, err := search.Search(ctx, namespaces, search.Options{
		Client: client, Repository: e.Repository, Guessing: where == "",
		Unlisted:   func(err error) { u.Warn("%v; looking for the known drivers only", err) },
		PassedOver: func(err error) { u.Warn("%v", err) },
	})
	if err != nil {
		return err
	}
	var items []foundItem
	for _, f := range found {
		items = append(items, foundItem{f.Name, f.Newest, f.Versions, f.Repository})
	}
	return u.Print(ui.List("RepositoryList", "repository", items))
}
