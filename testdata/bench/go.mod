// A module of its own: what measures is no part of what is measured.
module github.com/schemahero/kubectl-schemahero-plugin/testdata/bench

go 1.26.0

require github.com/klauspost/compress v1.20.3
