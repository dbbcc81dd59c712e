package transfer

import (
	"errors"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// entryOf is NAME VERSION REPOSITORY DIGEST PLATFORM=LAYER... with what stands behind
// a colon as its alias.
func entryOf(text string) lockfile.Plugin {
	words := strings.Fields(text)
	name, alias, aliased := strings.Cut(words[0], ":")
	p := lockfile.Plugin{Name: name, Version: words[1], Tag: words[1], Repository: words[2], Digest: digest.FromString(words[3])}
	if aliased {
		p.Aliases = []string{alias}
	}
	for _, w := range words[4:] {
		arch, layer, _ := strings.Cut(w, "=")
		p.Platforms = append(p.Platforms, lockfile.Platform{Platform: artifact.Platform{OS: "linux", Arch: arch}, Layer: digest.FromString(layer)})
	}
	return p
}

func TestUnion(t *testing.T) {
	for _, c := range []struct {
		name  string
		locks [][]string
		want  []string // of each lock, "NAME VERSION ARCH+ARCH" with commas; nil: refused
	}{
		{"agree", [][]string{{"a 1 r x amd64=1"}, {"a 1 r x amd64=1", "b 1 r x amd64=1"}}, []string{"a 1 amd64, b 1 amd64"}},
		{"platforms of both", [][]string{{"a 1 r x arm64=2"}, {"a 1 r x amd64=1"}}, []string{"a 1 amd64+arm64"}},
		{"another version", [][]string{{"a 1 r x amd64=1"}, {"a 2 r y amd64=1"}, {"a 3 r z amd64=1", "a2 1 r x amd64=1"}}, []string{"a 1 amd64, a2 1 amd64", "a 2 amd64", "a 3 amd64"}},
		{"another repository", [][]string{{"a 1 r x amd64=1"}, {"a 1 q y amd64=1"}}, []string{"a 1 amd64", "a 1 amd64"}},
		{"an alias", [][]string{{"a:b 1 r x amd64=1"}, {"b 1 r y amd64=1"}}, []string{"a 1 amd64", "b 1 amd64"}},
		{"no lock", nil, []string{""}},
		{"another digest", [][]string{{"a 1 r x amd64=1"}, {"a 1 r y amd64=1"}}, nil},
		{"another layer", [][]string{{"a 1 r x amd64=1"}, {"a 1 r x amd64=2"}}, nil},
	} {
		var locks []*lockfile.Lock
		for _, lines := range c.locks {
			l := &lockfile.Lock{}
			for _, line := range lines {
				l.Plugins = append(l.Plugins, entryOf(line))
			}
			locks = append(locks, l)
		}
		union, err := Union(locks)
		if refused := new(DisagreementError); c.want == nil {
			if !errors.As(err, &refused) || fault.Of(err) != fault.Integrity {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var got []string
		for _, l := range union {
			var names []string
			for _, p := range l.Plugins {
				var archs []string
				for _, q := range p.Platforms {
					archs = append(archs, q.Platform.Arch)
				}
				names = append(names, p.Name+" "+p.Version+" "+strings.Join(archs, "+"))
			}
			got = append(got, strings.Join(names, ", "))
		}
		if err != nil || strings.Join(got, "; ") != strings.Join(c.want, "; ") {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}
