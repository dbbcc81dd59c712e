package artifact_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestCheckName(t *testing.T) {
	for _, name := range []string{"postgres", "x", "0", "a-b", "a-", "9lives", "az09", strings.Repeat("a", 63)} {
		if err := artifact.CheckName(name); err != nil {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
	for _, name := range []string{"", "-a", "A", "a_b", "a.b", "a/b", "..", "../../../x", "a b", "ä", "a\x00", strings.Repeat("a", 64)} {
		var bad *artifact.NameError
		if err := artifact.CheckName(name); !errors.As(err, &bad) || bad.Name != name || bad.Reason == "" {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
}

func TestDriverOf(t *testing.T) {
	for engine, driver := range map[string]string{
		"postgresql": "postgres", "cockroachdb": "postgres", "mariadb": "mysql", "sqlite3": "sqlite",
		"postgres": "", "timescaledb": "", "oracle": "", "": "",
	} {
		if got, ok := artifact.DriverOf(engine); got != driver || ok != (driver != "") {
			t.Errorf("DriverOf(%q) = %q, %v", engine, got, ok)
		}
	}
}

func TestKnownDrivers(t *testing.T) {
	drivers := artifact.KnownDrivers()
	if !slices.Equal(drivers, []string{"cassandra", "mysql", "postgres", "rqlite", "sqlite", "timescaledb"}) {
		t.Errorf("KnownDrivers() = %q", drivers)
	}
	for _, d := range drivers {
		if !slices.Contains(artifact.Engines(d), d) {
			t.Errorf("Engines(%q) = %q: the driver's own name is missing", d, artifact.Engines(d))
		}
	}
	if engines := artifact.Engines("oracle"); engines != nil {
		t.Errorf("Engines(oracle) = %q", engines)
	}
	if !artifact.HostLooksFor("cockroachdb") || artifact.HostLooksFor("postgresql") {
		t.Error("the host asks for an executable of its own for cockroachdb alone")
	}
}
