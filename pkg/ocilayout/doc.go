// Package ocilayout is the OCI image layout
// (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md), in a
// folder or in a tar: opening, reading, writing, verifying. A bundle is one with a
// lock at its root.
package ocilayout

import (
	"strconv"
	"strings"
)

// What entries of a layout's index.json are annotated with, beside the
// specification's org.opencontainers.image.ref.name.
const (
	// AnnotationRepository names the repository, HOST/PATH, that an entry was
	// copied from.
	AnnotationRepository = "io.schemahero.plugin.repository"
	// AnnotationTag is the tag that it had there. Without it the tag is what
	// stands behind NAME- in ref.name.
	AnnotationTag = "io.schemahero.plugin.tag"
)

// AnnotationLock is, on index.json itself, the digest of the lock at the root.
const AnnotationLock = "io.schemahero.plugin.lock"

// AnnotationOther is the annotation, on index.json itself, for the digest of the
// i-th of the locks beside that: of several projects that have a driver in
// different releases.
func AnnotationOther(i int) string { return AnnotationLock + "." + strconv.Itoa(i+2) }

// OtherFile is the name of that lock at a bundle's root.
func OtherFile(i int) string { return otherName + strconv.Itoa(i+2) + otherEnd }

const otherName, otherEnd = "schemahero-plugins.", ".lock"

// isOther reports whether a name at the root is that of a lock beside the bundle's
// own.
func isOther(name string) bool {
	n, ok := strings.CutPrefix(name, otherName)
	n, end := strings.CutSuffix(n, otherEnd)
	i, err := strconv.Atoi(n)
	return ok && end && err == nil && OtherFile(i-2) == name
}

// LockFile is the name of the lock at a bundle's root.
const LockFile = "schemahero-plugins.lock"
