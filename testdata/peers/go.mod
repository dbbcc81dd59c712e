module github.com/schemahero/kubectl-schemahero-plugin/testdata/peers

go 1.26.0
