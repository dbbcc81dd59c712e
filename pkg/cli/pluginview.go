package cli

import (
	"cmp"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"

	"runtime"
)

func hostPlatform() artifact.Platform {
	return artifact.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
}

// pluginView renders executables and their states, sorted by name.
func (a *app) pluginView(statuses []install.Status, lock *lockfile.Lock) view {
	items := make([]pluginItem, 0, len(statuses))
	for _, s := range statuses {
		it := pluginItem{
			Name: s.Name, Version: s.Version, Repository: s.Repository, Platform: s.Layer.Platform.String(),
			Layer: string(s.Layer.Digest), Path: s.Path, State: string(s.State),
		}
		if entry, ok := lock.Plugin(s.Plugin); ok {
			if it.Digest = string(entry.Digest); it.Digest == "" {
				if p, ok := entry.Platform(s.Layer.Platform); ok {
					it.Digest = string(p.Manifest)
				}
			}
		}
		items = append(items, it)
	}
	slices.SortStableFunc(items, func(x, y pluginItem) int { return cmp.Compare(x.Name, y.Name) })
	v := view{
		object:  newList("PluginList", items),
		columns: cols("NAME", "VERSION", "STATE", "PATH", "+PLATFORM", "+REPOSITORY", "+DIGEST", "+LAYER"),
	}
	for _, it := range items {
		v.names = append(v.names, it.Name)
		v.rows = append(v.rows, []any{it.Name, it.Version, it.State, a.rel(it.Path), it.Platform, it.Repository, it.Digest, it.Layer})
	}
	return v
}
