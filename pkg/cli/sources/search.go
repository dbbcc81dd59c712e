package sources

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

func searchCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Command(env.Command{
		Use:   "search [REGISTRY/NAMESPACE]",
		Short: "Find drivers in a registry",
		Long: `Lists the repositories below a namespace, where the registry has a catalog;
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
	client, err := e.Client()
	if err != nil {
		return err
	}
	var items []foundItem
	var refused []error
	for _, ns := range namespaces {
		if err := manifest.CheckRegistry(ns); err != nil {
			return hint.Usage(err)
		}
		repositories, listed, err := below(ctx, u, client, ns)
		if err != nil {
			return err
		}
		for _, r := range repositories {
			it, err := found(ctx, e, r)
			if errors.Is(err, artifact.ErrNotFound) || errors.Is(err, artifact.ErrDenied) && where == "" {
				continue
			}
			if err != nil && !ofOne(err) {
				return err
			}
			if err != nil {
				refused = append(refused, err)
				if listed { // a guess that is refused may not exist at all
					u.Warn("%s", err.Error())
				}
				continue
			}
			if it.Versions > 0 {
				items = append(items, it)
			}
		}
	}
	if len(items) == 0 && len(refused) > 0 {
		return refused[0]
	}
	slices.SortFunc(items, func(x, y foundItem) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.Repository, y.Repository))
	})
	return u.Print(ui.List("RepositoryList", "repository", items))
}

// ofOne tells whether an error is about one repository, and says nothing of the
// others.
func ofOne(err error) bool {
	var name *registry.ReferenceError // a catalog can hold names that no reference may have
	var denied *registry.AuthError
	var status *registry.StatusError
	return errors.As(err, &name) || errors.As(err, &denied) && denied.Cause != registry.AuthWrong ||
		errors.As(err, &status) && status.Status < 500 && status.Status != http.StatusTooManyRequests
}

// below returns the repositories of a namespace: as the catalog lists them, or
// else those that the known drivers would have.
func below(ctx context.Context, u *ui.UI, client *registry.Client, namespace string) (out []string, listed bool, err error) {
	if !strings.Contains(namespace, "{name}") {
		host, _, _ := strings.Cut(namespace, "/")
		err := client.Catalog(ctx, host, func(page []string) error {
			for _, r := range page {
				if r == namespace || strings.HasPrefix(r, namespace+"/") {
					out = append(out, r)
				}
			}
			return nil
		})
		var none *registry.NotSupportedError
		var denied *registry.AuthError
		switch {
		case errors.As(err, &denied) && denied.Cause != registry.AuthWrong: // repositories can be open where their list is not
			u.Warn("%s; looking for the known drivers only", err.Error())
			out = nil
		case !errors.As(err, &none):
			return out, true, err
		}
	}
	for _, name := range artifact.KnownDrivers() {
		out = append(out, manifest.Join(namespace, name))
	}
	return out, false, nil
}

// found reads a repository's tags.
func found(ctx context.Context, e *env.Env, repository string) (foundItem, error) {
	it := foundItem{Name: manifest.NameIn(repository), Repository: repository}
	repo, err := e.Repository(repository)
	if err != nil {
		return it, err
	}
	var tags []string
	err = repo.Tags(ctx, func(page []string) error {
		tags = append(tags, page...)
		return nil
	})
	if err != nil {
		return it, err
	}
	candidates := artifact.Candidates(tags)
	it.Versions = len(candidates)
	for _, c := range candidates {
		if it.Newest == "" || c.Version.Prerelease() == "" {
			it.Newest = c.Version.String()
		}
		if c.Version.Prerelease() == "" {
			break
		}
	}
	return it, nil
}
