package transfer

import (
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

func TestMapping(t *testing.T) {
	m, err := NewMapping("m.io:5000/hub/", []Rule{{"docker.io/schemahero", "drivers"}, {"docker.io/schemahero/deep/", "m.io:5000/hub/d"}})
	if err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string]struct {
		where string
		rule  Rule
	}{
		"ghcr.io/acme/x":              {"m.io:5000/hub/acme/x", Rule{"ghcr.io", "m.io:5000/hub"}},
		"docker.io/schemahero/x":      {"m.io:5000/hub/drivers/x", Rule{"docker.io/schemahero", "m.io:5000/hub/drivers"}},
		"docker.io/schemahero/deep/x": {"m.io:5000/hub/d/x", Rule{"docker.io/schemahero/deep", "m.io:5000/hub/d"}},
		"docker.io/schemaheroes/x":    {"m.io:5000/hub/schemaheroes/x", Rule{"docker.io", "m.io:5000/hub"}},
	} {
		if where, rule := m.Place(repository); where != want.where || rule != want.rule {
			t.Errorf("%s: %s by %v, want %v", repository, where, rule, want)
		}
	}
	for _, bad := range []string{"", "https://m.io", "m.io/UPPER", "m.io/{name}", "m.io:x"} {
		if _, err := NewMapping(bad, nil); fault.Of(err) != fault.Usage {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestMappingPart(t *testing.T) {
	lock := func(repositories ...string) *lockfile.Lock {
		l := &lockfile.Lock{}
		for _, r := range repositories {
			l.Plugins = append(l.Plugins, lockfile.Plugin{Name: r[len(r)-1:], Repository: r})
		}
		return l
	}
	m, err := NewMapping("m.io", []Rule{{"a.io/x", "y"}})
	if err != nil {
		t.Fatal(err)
	}
	part, left, err := m.Part(lock("a.io/x/p", "m.io/q", "oci-layout:v/r"))
	if err != nil || len(part.Plugins) != 1 || part.Plugins[0].Name != "p" || len(left) != 2 {
		t.Errorf("%v, %v, %v", part, left, err)
	}
	if _, _, err := m.Part(lock("b.io/p")); fault.Of(err) != fault.Usage {
		t.Errorf("a rule for nothing: %v", err)
	}
	m.Rules = nil
	if _, _, err := m.Part(lock("m.io/p")); fault.Of(err) != fault.Usage {
		t.Errorf("onto itself: %v", err)
	}
	if part, _, err := m.Part(lock("oci-layout:v/p")); err != nil || len(part.Plugins) != 0 {
		t.Errorf("only the project's own: %v, %v", part, err)
	}
}
