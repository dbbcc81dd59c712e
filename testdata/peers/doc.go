// Package peers holds the built program against the programs that it works
// with: Debian's docker-registry, distribution v3, the oras CLI and the
// SchemaHero host. `make test-peers` runs it.
//
// It depends on nothing but the standard library. The peers are installed by
// apt-get (docker-registry, apache2-utils) or built from the Go module proxy,
// once, into a cache. A peer that cannot be had fails the tests; none is ever
// skipped.
//
// Environment:
//
//	PLUGIN_BIN   the program under test; default ../../bin/kubectl-schemahero-plugin
//	PEERS_CACHE  where built peers are kept; default a folder in the user's cache
package peers
