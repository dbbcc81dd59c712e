package project

import (
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

// drivers returns the manifest's names for what a person called drivers: an
// alias, or an engine that one of them serves, is that driver.
func drivers(u *ui.UI, p *project.Project, words []string) ([]string, error) {
	m, err := p.Manifest()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = w
		if _, ok := m.Plugin(w); ok {
			continue
		}
		driver, engine := artifact.DriverOf(w)
		at := slices.IndexFunc(m.Plugins, func(q manifest.Plugin) bool { return slices.Contains(q.Aliases, w) })
		if at < 0 && engine {
			at = slices.IndexFunc(m.Plugins, func(q manifest.Plugin) bool { return q.Name == driver })
		}
		if at >= 0 {
			names[i] = m.Plugins[at].Name
			u.Say("%s is served by the driver %s", w, names[i])
		}
	}
	return names, nil
}
