// Package publish is the author's side: it compiles a driver for each platform
// (Build), packs an executable so that the same executable always gives the
// same layer, and writes a release as an OCI index (Push). Republish
// turns a release of another layout into that one, and AddTags names what is
// there.
//
// Nothing is started except the Go command, git, and, where Options.Probe asks
// for it, the driver.
package publish
