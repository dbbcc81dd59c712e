// Package ocilayout is the OCI image layout
// (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md), in a
// folder or in a tar: opening, reading, writing, verifying. A bundle is one with a
// lock at its root.
package ocilayout

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

// LockFile is the name of the lock at a bundle's root.
const LockFile = "schemahero-plugins.lock"
