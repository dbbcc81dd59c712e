// Package search finds drivers in registries.
package search

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Found is a repository that has releases of a driver.
type Found struct {
	Name       string // of the driver, guessed from its repository
	Repository string
	Newest     string // the newest stable version, or else the newest
	Versions   int
}

// Options are what a search asks.
type Options struct {
	Client     *registry.Client
	Repository func(name string) (registry.Repository, error)
	Guessing   bool // nobody named the namespaces: what may not be read need not exist

	// Unlisted is told why a registry does not show its catalog, and PassedOver why a
	// listed repository is left out.
	Unlisted, PassedOver func(error)
}

// Search returns the drivers below namespaces, in the forms of a manifest's
// registry, sorted: as each registry's catalog lists its repositories, or where it
// has none or does not show it, those that the known drivers would have. A
// repository that may not be read is passed over; if there is nothing else, that
// is the error.
func Search(ctx context.Context, namespaces []string, o Options) ([]Found, error) {
	var all []Found
	var refused error
	for _, ns := range namespaces {
		repositories, listed, err := below(ctx, ns, o)
		if err != nil {
			return nil, err
		}
		for _, r := range repositories {
			f, err := read(ctx, r, o)
			switch {
			case errors.Is(err, artifact.ErrNotFound), errors.Is(err, artifact.ErrDenied) && o.Guessing:
			case err != nil && !ofOne(err):
				return nil, err
			case err != nil:
				if refused == nil {
					refused = err
				}
				if listed { // a guess that is refused may not exist at all
					o.PassedOver(err)
				}
			case f.Versions > 0:
				all = append(all, f)
			}
		}
	}
	if len(all) == 0 {
		return nil, refused
	}
	slices.SortFunc(all, func(x, y Found) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.Repository, y.Repository))
	})
	return all, nil
}

// ofOne reports whether an error is about one repository, and says nothing of the
// others.
func ofOne(err error) bool {
	if denied, ok := errors.AsType[*registry.AuthError](err); ok && denied.Cause != registry.AuthWrong {
		return true
	}
	if status, ok := errors.AsType[*registry.StatusError](err); ok && status.Status < 500 && status.Status != http.StatusTooManyRequests {
		return true
	}
	return errors.As(err, new(*registry.ReferenceError)) // a catalog can hold names that no reference may have
}

// below returns the repositories of a namespace, and whether a catalog lists them.
func below(ctx context.Context, namespace string, o Options) (out []string, listed bool, err error) {
	if !strings.Contains(namespace, "{name}") {
		host, _, _ := strings.Cut(namespace, "/")
		err := o.Client.Catalog(ctx, host, func(page []string) error {
			for _, r := range page {
				if r == namespace || strings.HasPrefix(r, namespace+"/") {
					out = append(out, r)
				}
			}
			return nil
		})
		denied, ok := errors.AsType[*registry.AuthError](err)
		switch {
		case ok && denied.Cause != registry.AuthWrong: // repositories can be open where their list is not
			o.Unlisted(err)
			out = nil
		case !errors.As(err, new(*registry.NotSupportedError)):
			return out, true, err
		}
	}
	for _, name := range artifact.KnownDrivers() {
		out = append(out, manifest.Join(namespace, name))
	}
	return out, false, nil
}

// read reads a repository's tags.
func read(ctx context.Context, repository string, o Options) (Found, error) {
	f := Found{Name: manifest.NameIn(repository), Repository: repository}
	repo, err := o.Repository(repository)
	if err != nil {
		return f, err
	}
	tags, err := registry.AllTags(ctx, repo)
	if err != nil {
		return f, err
	}
	candidates := artifact.Candidates(tags)
	f.Versions = len(candidates)
	for _, c := range candidates {
		stable := c.Version.Prerelease() == ""
		if f.Newest == "" || stable {
			f.Newest = c.Version.String()
		}
		if stable {
			break
		}
	}
	return f, nil
}
