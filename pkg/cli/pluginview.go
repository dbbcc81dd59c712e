package cli

import (
	"cmp"
	"runtime"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

func hostPlatform() artifact.Platform {
	return artifact.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
}

// parseMachine reads a platform as a person types it: an architecture alone is
// this operating system's.
func parseMachine(s string) (artifact.Platform, error) {
	if !strings.Contains(s, "/") && s != "" {
		if p, err := artifact.ParseMachine(runtime.GOOS + "/" + s); err == nil {
			return p, nil
		}
	}
	return artifact.ParseMachine(s)
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
			if p, ok := entry.Platform(s.Layer.Platform); ok && p.Layer == s.Layer.Digest {
				it.Digest = string(cmp.Or(entry.Digest, p.Manifest))
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
