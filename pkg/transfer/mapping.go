package transfer

import (
	"errors"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Rule says that what lies below one prefix, HOST[/PATH], lies below another in the
// copy: what [mirrors] of a config says.
type Rule struct{ From, To string }

// Mapping says where repositories go: those below a rule's From below its To, all
// others HOST/PATH to TARGET/PATH.
type Mapping struct {
	Target string
	Rules  []Rule // longest From first
}

// NewMapping makes a mapping. A rule's To that is not below the target is put there.
// What is
// not HOST[:PORT][/PATH] is a fault.Usage.
func NewMapping(target string, rules []Rule) (*Mapping, error) {
	m := &Mapping{Target: strings.TrimSuffix(target, "/")}
	if err := checkPrefix(m.Target); err != nil {
		return nil, err
	}
	for _, r := range rules {
		to := strings.Trim(r.To, "/")
		if !below(to, m.Target) {
			to = strings.TrimSuffix(m.Target+"/"+to, "/")
		}
		if err := checkPrefix(to); err != nil {
			return nil, err
		}
		m.Rules = append(m.Rules, Rule{strings.TrimSuffix(r.From, "/"), to})
	}
	slices.SortStableFunc(m.Rules, func(a, b Rule) int { return len(b.From) - len(a.From) })
	return m, nil
}

func checkPrefix(prefix string) error {
	var bad *artifact.RepositoryError
	switch {
	case strings.ContainsAny(prefix, "{}"):
		return fault.Errorf(fault.Usage, "%s: is not HOST[:PORT][/PATH] to mirror to", prefix)
	case errors.As(artifact.CheckRepository(prefix+"/x"), &bad):
		return fault.Errorf(fault.Usage, "%s: %s", prefix, strings.TrimSuffix(bad.Reason, "/x"))
	}
	return nil
}

// below reports whether a name is a prefix, or lies below it.
func below(name, prefix string) bool { return name == prefix || strings.HasPrefix(name, prefix+"/") }

// Place returns where a repository goes, and the rule by which it is found there.
func (m *Mapping) Place(repository string) (string, Rule) {
	for _, r := range m.Rules {
		if below(repository, r.From) {
			return r.To + strings.TrimPrefix(repository, r.From), r
		}
	}
	host, path, _ := strings.Cut(repository, "/")
	return m.Target + "/" + path, Rule{host, m.Target}
}

// Part returns the part of a lock that can be copied at all, and what is left: the
// project's own layouts, and what comes from the target. What looks as if it were
// done and is a slip is refused: rules that rename nothing, and copying everything
// onto itself, each a fault.Usage.
func (m *Mapping) Part(l *lockfile.Lock) (part *lockfile.Lock, left []lockfile.Plugin, err error) {
	part = l.Clone()
	part.Plugins = nil
	used := map[Rule]bool{}
	itself := false
	for _, p := range l.Plugins {
		if strings.HasPrefix(p.Repository, artifact.LayoutScheme) {
			left = append(left, p)
			continue
		}
		where, rule := m.Place(p.Repository)
		used[rule] = true
		if where == p.Repository {
			left, itself = append(left, p), true
			continue
		}
		part.Plugins = append(part.Plugins, p)
	}
	for _, r := range m.Rules {
		if !used[r] {
			return nil, nil, fault.Errorf(fault.Usage, "%s: the lock names nothing below %[1]s", r.From)
		}
	}
	if len(part.Plugins) == 0 && itself {
		return nil, nil, fault.Errorf(fault.Usage, "%s: everything in the lock comes from there already", m.Target)
	}
	return part, left, nil
}
