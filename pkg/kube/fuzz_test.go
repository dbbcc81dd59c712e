package kube

import (
	"errors"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Whatever a YAML file holds, what is needed is a driver that can be named.
func FuzzScan(f *testing.F) {
	f.Add([]byte("apiVersion: databases.schemahero.io/v1alpha4\nkind: Database\nmetadata: {name: roach}\nspec: {connection: {cockroachdb: {uri: {value: x}}}}\n"))
	f.Add([]byte("---\napiVersion: schemas.schemahero.io/v1alpha4\nkind: Table\nspec:\n  schema:\n    mysql: {}\n---\n{{ x }}\n"))
	f.Add([]byte("{\"apiVersion\": \"schemas.schemahero.io/v1\", \"kind\": \"Table\"}\n"))
	f.Add([]byte("a: &a [*a, *a]\nb: schemahero.io/\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := Scan(fstest.MapFS{"f.yaml": {Data: data}})
		var bad *FileError
		if err != nil && !errors.As(err, &bad) {
			t.Fatalf("error of type %T: %v", err, err)
		}
		for _, n := range found.Needs {
			if artifact.CheckName(n.Driver) != nil || len(n.Objects) == 0 || !slices.IsSorted(n.Objects) {
				t.Errorf("%+v", n)
			}
		}
	})
}
