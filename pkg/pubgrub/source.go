package pubgrub

import "context"

// Source is the universe, asked for in parts. An error of either method ends
// Solve, which returns it as it is. Both are asked at most once for the same
// thing, and never at the same time.
type Source interface {
	// Versions lists the versions of a package that something depends on.
	Versions(ctx context.Context, pkg string) (Listing, error)
	// Release returns what is known of one listed version.
	Release(ctx context.Context, pkg, version string) (Release, error)
}

// Listing is the universe of one package.
type Listing struct {
	// Versions are all that there are, each once, the newest first. Of several
	// that would do the newest is chosen.
	Versions []string
	// Preferred are versions to be preferred to all others, the best first. A
	// package that has any is decided before those that have none, which take
	// what goes with it.
	Preferred []string
	// DecideLast has the package decided after all others, also if it has
	// Preferred versions: it takes what they leave.
	DecideLast bool
	// Note is a clause for the proof where no version satisfies a dependency:
	// "schemahero is 0.24.0 (schemahero-plugins.toml:5)". Without it the proof
	// says which versions there are.
	Note string
}

// Release is one version of a package.
type Release struct {
	// Unusable says why the version cannot be chosen at all, as a predicate:
	// "offers no linux/arm64". Empty where it can.
	Unusable string
	Depends  []Dependency
}

// Dependency is what one version, or the root, wants of a package.
type Dependency struct {
	Package string
	// Admits reports whether a listed version is good enough; nil admits all.
	Admits func(version string) bool
	// Text is the constraint as people write it, "^1.0.0"; empty if any
	// version will do.
	Text string
	// Where is the place that says so, "schemahero-plugins.toml:7"; empty where
	// the version that depends says so itself.
	Where string
}

// Root is what everything is chosen for.
type Root struct {
	Name    string // how the proof calls it: "the manifest"
	Depends []Dependency
}
