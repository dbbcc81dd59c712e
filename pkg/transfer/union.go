package transfer

import (
	"fmt"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// DisagreementError says that two locks have different content for one version of a
// driver in one repository: its tag was moved between them, or one was edited.
type DisagreementError struct{ Name, Version, Repository string }

func (e *DisagreementError) Error() string {
	return fmt.Sprintf("%s %s: the locks have different content for it, from %s", e.Name, e.Version, e.Repository)
}

func (e *DisagreementError) Kind() fault.Kind { return fault.Integrity }

// Union puts several locks together. Of a driver that they have in several releases
// the first lock's stays in the first of the result, which is what a bundle's own
// lock says; each further release is in the first of those behind it that has no
// such driver. One release in several locks is there once, for the platforms of all.
// Errors: *DisagreementError.
func Union(locks []*lockfile.Lock) ([]*lockfile.Lock, error) {
	out := []*lockfile.Lock{{}}
	for _, l := range locks {
		for _, p := range l.Plugins {
			if err := add(&out, p.Clone()); err != nil {
				return nil, err
			}
		}
	}
	for _, l := range out {
		l.Sort()
	}
	return out, nil
}

func add(locks *[]*lockfile.Lock, p lockfile.Plugin) error {
	for _, l := range *locks {
		if there, ok := l.Plugin(p.Name); ok && there.Repository == p.Repository && label(*there) == label(p) {
			return join(there, p)
		}
	}
	for _, l := range *locks {
		if !taken(l, p) {
			l.Plugins = append(l.Plugins, p)
			return nil
		}
	}
	*locks = append(*locks, &lockfile.Lock{Plugins: []lockfile.Plugin{p}})
	return nil
}

// taken reports whether a lock has a driver of one of the names that p is installed
// under.
func taken(l *lockfile.Lock, p lockfile.Plugin) bool {
	names := append([]string{p.Name}, p.Aliases...)
	return slices.ContainsFunc(l.Plugins, func(q lockfile.Plugin) bool {
		return slices.ContainsFunc(append([]string{q.Name}, q.Aliases...), func(name string) bool { return slices.Contains(names, name) })
	})
}

// join adds the platforms of the same release in another lock.
func join(there *lockfile.Plugin, p lockfile.Plugin) error {
	differ := there.Digest != p.Digest || there.Tag != p.Tag
	for _, q := range p.Platforms {
		if have, ok := there.Platform(q.Platform); !ok {
			there.Platforms = append(there.Platforms, q)
		} else {
			differ = differ || have.Manifest != q.Manifest || have.Layer != q.Layer
		}
	}
	if differ {
		return &DisagreementError{p.Name, label(p), p.Repository}
	}
	return nil
}

// All returns what several locks name, in one. It has a driver in each of its
// releases, as no file does.
func All(locks []*lockfile.Lock) *lockfile.Lock {
	all := &lockfile.Lock{}
	for _, l := range locks {
		all.Plugins = append(all.Plugins, l.Plugins...)
	}
	return all
}
