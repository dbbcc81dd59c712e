package kube

import (
	"fmt"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// hostEngines are the keys of spec.connection and spec.schema in the order in
// which the host takes the first one that is there (v0.25).
func hostEngines() []string {
	return []string{"cockroachdb", "cassandra", "postgres", "mysql", "rqlite", "sqlite", "timescaledb"}
}

// enginesOf returns the engines that a connection or schema names, that which the
// host takes first; behind those that it knows any others, sorted.
func enginesOf(keys map[string]any) []string {
	var out []string
	for _, engine := range hostEngines() {
		if keys[engine] != nil {
			out = append(out, engine)
		}
	}
	known := len(out)
	for engine, value := range keys {
		if value != nil && !slices.Contains(out, engine) {
			out = append(out, engine)
		}
	}
	slices.Sort(out[known:])
	return out
}

// EngineProblem says what is wrong with the engines that an object names.
type EngineProblem struct {
	Object  string
	Engines []string // all that it names, that which the host takes first
}

func (p EngineProblem) String() string {
	switch {
	case len(p.Engines) == 0:
		return p.Object + ": its connection names no engine"
	case !slices.Contains(hostEngines(), p.Engines[0]):
		return fmt.Sprintf("%s: SchemaHero has no engine %q", p.Object, p.Engines[0])
	}
	return fmt.Sprintf("%s: names the engines %s; SchemaHero takes %s", p.Object, strings.Join(p.Engines, ", "), p.Engines[0])
}

// problem returns what is wrong with the engines of an object, if anything is.
func problem(object string, engines []string) (EngineProblem, bool) {
	return EngineProblem{object, engines}, len(engines) != 1 || !slices.Contains(hostEngines(), engines[0])
}

// driverOf is the driver that serves an engine: its own, where no other is known.
func driverOf(engine string) string {
	if driver, ok := artifact.DriverOf(engine); ok {
		return driver
	}
	return engine
}

// needs collects what objects need.
type needs struct {
	drivers  map[string]*Need
	problems []EngineProblem
}

// need adds what an object needs: the driver of the engine that the host takes.
func (n *needs) need(engines []string, object string) {
	if p, bad := problem(object, engines); bad {
		n.problems = append(n.problems, p)
	}
	if len(engines) == 0 || !slices.Contains(hostEngines(), engines[0]) {
		return
	}
	driver := driverOf(engines[0])
	need := n.drivers[driver]
	if need == nil {
		need = &Need{Driver: driver}
		if n.drivers == nil {
			n.drivers = map[string]*Need{}
		}
		n.drivers[driver] = need
	}
	if artifact.HostLooksFor(engines[0]) && !slices.Contains(need.Aliases, engines[0]) {
		need.Aliases = append(need.Aliases, engines[0])
	}
	need.Objects = append(need.Objects, object)
}

// found returns what was collected, sorted.
func (n *needs) found() Found {
	var out Found
	for _, need := range n.drivers {
		slices.Sort(need.Aliases)
		slices.Sort(need.Objects)
		out.Needs = append(out.Needs, *need)
	}
	slices.SortFunc(out.Needs, func(a, b Need) int { return strings.Compare(a.Driver, b.Driver) })
	out.Problems = n.problems
	return out
}
