package artifact

import (
	"fmt"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// MaxNameLength is the longest driver name, in bytes. It is the limit of a DNS
// label, so that a name can stand wherever Kubernetes wants one.
const MaxNameLength = 63

// NameError says why a string is not a driver name.
type NameError struct {
	Name   string
	Reason string
}

func (e *NameError) Error() string    { return fmt.Sprintf("name %q: %s", e.Name, e.Reason) }
func (e *NameError) Kind() fault.Kind { return fault.Usage }

// CheckName returns a *NameError where name is not [a-z0-9][a-z0-9-]* of at
// most MaxNameLength bytes.
func CheckName(name string) error {
	if name == "" {
		return &NameError{name, "is empty"}
	}
	if len(name) > MaxNameLength {
		return &NameError{name, fmt.Sprintf("has %d characters, at most %d are allowed", len(name), MaxNameLength)}
	}
	for i, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == '-' && i > 0:
		default:
			return &NameError{name, "a driver's name has only a-z, 0-9 and -, and begins with a letter or digit"}
		}
	}
	return nil
}

// known lists SchemaHero's own drivers with the engines that each serves.
func known() []struct {
	driver  string
	engines []string
} {
	return []struct {
		driver  string
		engines []string
	}{
		{"cassandra", []string{"cassandra"}},
		{"mysql", []string{"mysql", "mariadb"}},
		{"postgres", []string{"postgres", "postgresql", "cockroachdb"}},
		{"rqlite", []string{"rqlite"}},
		{"sqlite", []string{"sqlite", "sqlite3"}},
		{"timescaledb", []string{"timescaledb"}},
	}
}

// KnownDrivers returns the names of SchemaHero's own drivers, sorted.
func KnownDrivers() []string {
	var names []string
	for _, k := range known() {
		names = append(names, k.driver)
	}
	return names
}

// Engines returns the database engines that one of SchemaHero's own drivers
// serves, and nil for any other name.
func Engines(driver string) []string {
	for _, k := range known() {
		if k.driver == driver {
			return k.engines
		}
	}
	return nil
}

// DriverOf returns the driver that serves an engine whose name is not itself a
// driver's: ("postgres", true) for "postgresql", ("", false) for "postgres" and
// for names that nobody knows.
func DriverOf(engine string) (driver string, ok bool) {
	for _, k := range known() {
		if k.driver != engine && slices.Contains(k.engines, engine) {
			return k.driver, true
		}
	}
	return "", false
}

// HostLooksFor reports whether the host asks for an executable of this engine's
// own name that nobody publishes, so that a manifest must alias it.
func HostLooksFor(engine string) bool { return engine == "cockroachdb" }
