package resolve

import (
	"maps"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// Node is a plugin in the tree of who requires whom.
type Node struct {
	Name       string
	Constraint string           // of the manifest ("tag TAG", "digest DIGEST" for such entries), or of the plugin above
	Plugin     *lockfile.Plugin // nil if the lock does not have it
	Host       string           // what it requires of the host; "" for nothing
	Requires   []Node           // sorted by name; empty where Repeated
	Repeated   bool             // shown further up in the tree, with what it requires
}

// Tree returns the plugins of a manifest, in its order, with those that they
// require in the lock. It asks no network.
func Tree(m *manifest.Manifest, l *lockfile.Lock) []Node {
	seen := map[string]bool{}
	var grow func(name, constraint string) Node
	grow = func(name, constraint string) Node {
		n := Node{Name: name, Constraint: constraint}
		n.Plugin, _ = l.Plugin(name)
		if n.Plugin == nil {
			return n
		}
		n.Host = n.Plugin.Requires[artifact.Host]
		if n.Repeated = seen[name]; n.Repeated {
			return n
		}
		seen[name] = true
		for _, required := range slices.Sorted(maps.Keys(n.Plugin.Requires)) {
			if required != artifact.Host {
				n.Requires = append(n.Requires, grow(required, n.Plugin.Requires[required]))
			}
		}
		return n
	}
	var nodes []Node
	for _, p := range m.Plugins {
		nodes = append(nodes, grow(p.Name, (&plugin{entry: p}).wants()))
	}
	return nodes
}
