package lockfile

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// Merged is what became of two locks.
type Merged struct {
	Lock      *Lock    // valid and sorted, without the conflicting plugins
	Conflicts []string // names of plugins to be resolved again where still wanted, sorted
	Ours      *Lock    // our side, as far as it can be told
}

// Merge puts two locks together, plugin by plugin: what only one side changed
// is taken from there, and what both changed alike is kept. A plugin that both
// changed in different ways, or that one removed and the other changed, is a
// conflict. base is the lock that both come from; if it is nil, a plugin
// that only one side has is kept, whichever of the two it may have been, added
// there or removed here.
func Merge(base, ours, theirs *Lock) *Merged {
	return mergeBut(nil, base, ours, theirs)
}

// mergeBut is Merge where some plugins are conflicts from the start.
func mergeBut(conflicts []string, base, ours, theirs *Lock) *Merged {
	before, mine, other := index(base), index(ours), index(theirs)
	names := map[string]bool{}
	for _, side := range []map[string]*Plugin{mine, other} {
		for name := range side {
			names[name] = true
		}
	}
	m := &Merged{Lock: &Lock{}, Conflicts: conflicts, Ours: ours}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		p, ok := merge(base != nil, before[name], mine[name], other[name])
		switch {
		case slices.Contains(conflicts, name):
		case !ok:
			m.Conflicts = append(m.Conflicts, name)
		case p != nil:
			m.Lock.Plugins = append(m.Lock.Plugins, p.Clone())
		}
	}
	m.dropCollisions()
	m.Lock.Sort()
	return m
}

// merge decides about one plugin, nil if a side lacks it.
func merge(haveBase bool, base, ours, theirs *Plugin) (p *Plugin, ok bool) {
	switch {
	case same(ours, theirs):
		return ours, true
	case !haveBase && ours == nil:
		return theirs, true
	case !haveBase && theirs == nil:
		return ours, true
	case haveBase && same(base, ours):
		return theirs, true
	case haveBase && same(base, theirs):
		return ours, true
	}
	return nil, false
}

func same(p, q *Plugin) bool {
	if p == nil || q == nil {
		return p == q
	}
	return p.Equal(q)
}

// dropCollisions makes conflicts of plugins that would install a file of one
// name, one by its alias: each side was right for itself.
func (m *Merged) dropCollisions() {
	owners := map[string][]string{}
	for _, p := range m.Lock.Plugins {
		for _, file := range append([]string{p.Name}, p.Aliases...) {
			owners[file] = append(owners[file], p.Name)
		}
	}
	for _, names := range owners {
		if len(names) > 1 {
			m.Conflicts = append(m.Conflicts, names...)
		}
	}
	slices.Sort(m.Conflicts)
	m.Conflicts = slices.Compact(m.Conflicts)
	m.Lock.Plugins = slices.DeleteFunc(m.Lock.Plugins, func(p Plugin) bool {
		return slices.Contains(m.Conflicts, p.Name)
	})
}

// MergeFiles is Merge over the three files that git hands to a merge driver. A
// base that is not a lock counts as none: git gives an empty file where both sides
// added the lock, and one with conflict markers where the base was itself
// merged. Errors: those of Load for ours and theirs, fs.ErrNotExist for base.
func MergeFiles(base, ours, theirs string) (*Merged, error) {
	mine, err := Load(ours)
	if err != nil {
		return nil, err
	}
	other, err := Load(theirs)
	if err != nil {
		return nil, err
	}
	data, err := readBase(base)
	if err != nil {
		return nil, err
	}
	return Merge(parseBase(base, data), mine, other), nil
}

// readBase reads whatever somebody names as the base, /dev/null too.
func readBase(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}

// MergeConflict is Merge over the sides of a lock with conflict markers of git or
// jj, with a base if every conflict has one: all of jj's have, and git's with
// merge.conflictStyle diff3 or zdiff3. Text between conflicts belongs to all
// sides. Plugins whose sides were mixed line by line are conflicts too, whether
// anybody still wants them or not. Errors, with positions in data:
// *UnmergedError, *diag.Error for sides that are no locks, *VersionError,
// *SizeError.
func MergeConflict(file string, data []byte) (*Merged, error) {
	if len(data) > MaxSize {
		return nil, &SizeError{file}
	}
	s, err := split(file, data)
	if err != nil {
		return nil, err
	}
	whole, wholeErr := Parse(file, s.ours.text)
	var unsure []string
	for _, s := range []*side{&s.ours, &s.base, &s.theirs} {
		unsure = append(unsure, s.dropUnsure()...)
	}
	ours, oursErr := Parse(file, s.ours.text)
	theirs, theirsErr := Parse(file, s.theirs.text)
	if oursErr != nil || theirsErr != nil {
		return nil, both(file, data, s.ours.place(oursErr), s.theirs.place(theirsErr))
	}
	var base *Lock
	if s.hasBase {
		base = parseBase(file, s.base.text)
	}
	m := mergeBut(unsure, base, ours, theirs)
	if wholeErr == nil {
		m.Ours = whole // with those of which git mixed the sides, too
	}
	return m, nil
}

func parseBase(file string, data []byte) *Lock {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	base, err := Parse(file, data)
	if err != nil {
		return nil
	}
	return base
}

// both joins what is wrong with two sides; what is wrong with the text that
// they share is told once.
func both(file string, data []byte, errs ...error) error {
	var problems []diag.Problem
	var newer *VersionError
	for _, err := range errs {
		errors.As(err, &newer)
		if d, ok := errors.AsType[*diag.Error](err); ok {
			for _, p := range d.Problems {
				if !slices.Contains(problems, p) {
					problems = append(problems, p)
				}
			}
		}
	}
	joined := diag.NewError(data, problems...)
	if newer != nil {
		return &VersionError{file, newer.Version, joined}
	}
	return joined
}
