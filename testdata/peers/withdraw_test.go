package peers

import (
	"fmt"
	"strings"
	"testing"
)

// A withdrawal is written, read, carried and taken back at real registries.
func TestWithdraw(t *testing.T) {
	for name, start := range map[string]func(*testing.T, string, access) *registry{
		"docker-registry": startDebian,
		"distribution-v3": startDistribution,
	} {
		t.Run(name, func(t *testing.T) {
			reg, copied := start(t, "", access{}), start(t, "", access{})
			a := newAuthor(t, reg)
			a.push("postgres", older)
			a.push("postgres", newer)
			ref := a.namespace() + "/postgres:" + newer
			p := newProject(t, fmt.Sprintf("registry = %q\n[plugins]\npostgres = \"*\"\n", a.namespace()))
			p.ok("lock")
			a.ok("withdraw", ref, "--reason", "loses rows", "--replacement", older)
			a.ok("withdraw", ref, "--reason", "loses rows", "--replacement", older)
			if r := p.ok("outdated"); !strings.Contains(r.stderr, newer+": was withdrawn on ") {
				t.Errorf("outdated: %s", r.stderr)
			}
			p.ok("mirror", copied.addr)
			elsewhere := newProject(t, fmt.Sprintf("registry = %q\n[plugins]\npostgres = \"*\"\n", copied.addr+"/schemahero/plugins"))
			if r := elsewhere.exit(4, "lock"); !strings.Contains(r.stderr, "loses rows; take "+older) {
				t.Errorf("lock from the mirror: %s", r.stderr)
			}
			fresh := newProject(t, fmt.Sprintf("registry = %q\n[plugins]\npostgres = \"*\"\n", a.namespace()))
			if fresh.ok("lock"); !strings.Contains(fresh.lock(), `version = "`+older+`"`) {
				t.Errorf("locked in spite of it:\n%s", fresh.lock())
			}
			a.ok("withdraw", ref, "--undo")
			if fresh.ok("update", "--no-sync"); !strings.Contains(fresh.lock(), `version = "`+newer+`"`) {
				t.Errorf("not locked though it was taken back:\n%s", fresh.lock())
			}
			p.ok("outdated", "--exit-code")
		})
	}
}
