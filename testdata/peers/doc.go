// Package peers holds the built program against the programs that it works
// with: Debian's docker-registry, distribution v3, the oras CLI, the SchemaHero
// host, kubectl and Kubernetes' API server. `make test-peers` runs it.
//
// It depends on nothing but the standard library. The peers come from Debian
// (docker-registry, apache2-utils, skopeo, etcd-server) or are built from the Go module
// proxy, once, into a cache; an earlier version of the program itself from this
// repository's history. A peer that cannot be had fails the tests; only cosign, and
// an earlier version where the history does not reach it, are skipped.
//
// Environment:
//
//	PLUGIN_BIN   the program under test; default ../../bin/kubectl-schemahero-plugin
//	PEERS_CACHE  where built peers are kept; default a folder in the user's cache
package peers
