package ui

import (
	"cmp"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// plugin is an item of a PluginList: one executable, installed or wanted.
type plugin struct {
	Name       string `json:"name" col:"NAME,name"`
	Version    string `json:"version" col:"VERSION"`
	State      string `json:"state" col:"STATE"`
	Path       string `json:"path" col:"PATH,path"`
	Platform   string `json:"platform" col:"+PLATFORM"`
	Repository string `json:"repository" col:"+REPOSITORY"`
	Digest     string `json:"digest" col:"+DIGEST"`
	Layer      string `json:"layer" col:"+LAYER"`
}

// Plugins returns the view of executables and their states, sorted by name.
func Plugins(statuses []install.Status, lock *lockfile.Lock) View {
	items := make([]plugin, 0, len(statuses))
	for _, s := range statuses {
		it := plugin{
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
	slices.SortStableFunc(items, func(x, y plugin) int { return cmp.Compare(x.Name, y.Name) })
	return List("PluginList", "plugin", items)
}
