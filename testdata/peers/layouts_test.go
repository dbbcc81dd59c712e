package peers

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const (
	older = "0.1.0"
	newer = "0.2.0"
)

// DDL that the test driver plans for testdata/users.yaml.
const (
	usersDDL      = `create table "users" ("id" integer not null, "login" varchar(255) default '', primary key ("id"));`
	usersMySQLDDL = "create table `users` (`id` integer not null, `login` varchar(255) default '', primary key (`id`));"
)

// TestLayouts takes releases that oras pushed the way authors do today, in
// each layout and from each registry, to drivers that the host runs.
func TestLayouts(t *testing.T) {
	for registryName, start := range map[string]func(*testing.T, string, access) *registry{
		"docker-registry": startDebian,
		"distribution-v3": startDistribution,
	} {
		for _, layout := range []string{"index", "files", "tags"} {
			t.Run(registryName+"/"+layout, func(t *testing.T) {
				reg := start(t, "", access{})
				p := newPublisher(t, reg)
				for _, version := range []string{older, newer} {
					p.publish(layout, "postgres", version)
					p.publish(layout, "mysql", version)
				}
				testLayout(t, reg, p.namespace())
			})
		}
	}
}

func testLayout(t *testing.T, reg *registry, namespace string) {
	project := newProject(t, fmt.Sprintf(`registry = "%s"

[plugins]
postgres = { version = "~0.1", aliases = ["cockroachdb"] }
mysql    = "*"
`, namespace))
	project.ok("lock")
	lock := project.lock()
	for _, platform := range platforms {
		if n := strings.Count(lock, "platform = \""+platform+"\"\n"); n != 2 {
			t.Errorf("%s is in the lock %d times, want 2:\n%s", platform, n, lock)
		}
	}

	// The same registry gives the same bytes, whoever asks.
	other := newProject(t, read(t, project.dir, "schemahero-plugins.toml"))
	other.ok("lock")
	if other.lock() != lock {
		t.Errorf("two locks differ:\n%s\n%s", lock, other.lock())
	}

	// A sync from a lock asks for the layers that it needs, each once.
	reg.reset()
	project.ok("sync", "--locked")
	var asked []string
	for _, r := range reg.requests() {
		asked = append(asked, r.method+" "+r.path)
	}
	slices.Sort(asked)
	if want := layerRequests(t, lock); !slices.Equal(asked, want) {
		t.Errorf("a locked sync asked for\n%s\nwant\n%s", strings.Join(asked, "\n"), strings.Join(want, "\n"))
	}
	host := runtime.GOOS + "/" + runtime.GOARCH
	same(t, project.installed("postgres"), driver(t, "postgres", older, host))
	same(t, project.installed("cockroachdb"), driver(t, "postgres", older, host))
	same(t, project.installed("mysql"), driver(t, "mysql", newer, host))

	// The host runs them.
	for engine, want := range map[string]struct{ uri, ddl string }{
		"postgres":    {"postgres://u:p@127.0.0.1/shop", usersDDL},
		"cockroachdb": {"postgres://u:p@127.0.0.1/shop", usersDDL},
		"mysql":       {"u:p@tcp(127.0.0.1)/shop", usersMySQLDDL},
	} {
		if got := project.plan(engine, want.uri); got != want.ddl {
			t.Errorf("plan --driver %s: got %s, want %s", engine, got, want.ddl)
		}
	}

	// With nothing to do, nothing is asked.
	reg.reset()
	project.ok("sync")
	if asked := reg.requests(); len(asked) > 0 {
		t.Errorf("a sync with nothing to do asked for %v", asked)
	}
	project.ok("verify")

	// One foreign platform goes where it is told.
	foreign := t.TempDir()
	project.ok("sync", "--platform", "darwin/arm64", "--dir", foreign)
	same(t, foreign+"/schemahero-mysql", driver(t, "mysql", newer, "darwin/arm64"))
}

// layerRequests gives, sorted, the one request for each plugin of the lock
// that this machine's platform needs.
func layerRequests(t *testing.T, lock string) []string {
	t.Helper()
	repository := regexp.MustCompile(`(?m)^repository = "[^/]+/(.+)"$`)
	layer := regexp.MustCompile(`(?s)platform = "` + runtime.GOOS + `/` + runtime.GOARCH + `"\n.*?layer = "([^"]+)"`)
	var all []string
	for _, plugin := range strings.Split(lock, "[[plugin]]\n")[1:] {
		r, l := repository.FindStringSubmatch(plugin), layer.FindStringSubmatch(plugin)
		if r == nil || l == nil {
			t.Fatalf("no repository or no layer for this machine in\n%s", plugin)
		}
		all = append(all, "GET /v2/"+r[1]+"/blobs/"+l[1])
	}
	slices.Sort(all)
	return all
}
