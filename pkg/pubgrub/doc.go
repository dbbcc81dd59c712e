// Package pubgrub chooses one version of each package so that all dependencies
// hold, and, if that cannot be done, proves it in sentences.
//
// It is the PubGrub algorithm as Natalie Weizenbaum published it
// (https://github.com/dart-lang/pub/blob/master/doc/solver.md), over finite
// universes: a package has the versions that its Source lists and no others,
// so a term is a set of listed versions and every set operation is exact. The
// package knows nothing of version syntax or of registries, and does no I/O
// but its Source's, which is asked lazily: the versions of a package once
// something depends on it, the dependencies of a version once it is about to
// be chosen.
package pubgrub
