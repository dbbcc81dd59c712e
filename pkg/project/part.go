package project

import (
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// Part returns the part of a lock that some drivers are in, and what they require;
// without names all of it. An alias, or an engine that a driver serves, names that
// driver. Errors: *resolve.UnknownPluginError.
func Part(l *lockfile.Lock, names []string) (*lockfile.Lock, error) {
	if len(names) == 0 {
		return l, nil
	}
	in := map[string]bool{}
	for queue := slices.Clone(names); len(queue) > 0; queue = queue[1:] {
		entry, ok := called(l, queue[0])
		if !ok {
			return nil, &resolve.UnknownPluginError{Plugin: queue[0]}
		}
		if in[entry.Name] {
			continue
		}
		in[entry.Name] = true
		for name := range entry.Requires {
			if name != artifact.Host {
				queue = append(queue, name)
			}
		}
	}
	part := l.Clone()
	part.Plugins = slices.DeleteFunc(part.Plugins, func(p lockfile.Plugin) bool { return !in[p.Name] })
	return part, nil
}

func called(l *lockfile.Lock, name string) (*lockfile.Plugin, bool) {
	if entry, ok := l.Plugin(name); ok {
		return entry, true
	}
	for i := range l.Plugins {
		if slices.Contains(l.Plugins[i].Aliases, name) {
			return &l.Plugins[i], true
		}
	}
	driver, _ := artifact.DriverOf(name)
	return l.Plugin(driver)
}
