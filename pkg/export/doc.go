// Package export writes what a lock says in the words of other tools: a
// Dockerfile, and a CycloneDX SBOM. It reads nothing but the lock, so the same
// lock gives the same text.
package export
