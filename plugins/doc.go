// Package plugins installs SchemaHero's database drivers from a Go program, as
// the command line does: the same manifest and lock, the same home, the same
// checks.
//
// Start with signed.DefaultOptions of package plugins/signed, or with
// DefaultOptions where no signatures need to be verified. Download fetches one
// driver without any project. Open gives a Project, a manifest with its lock,
// which may be kept for as long as the program runs and used by several
// goroutines: each call reads the files and asks the registries again.
//
// Errors are for people; KindOf tells a program what to do about one. Types and
// functions that are here stay: the package follows semantic versioning.
package plugins
