package kube

import (
	"errors"
	"reflect"
	"testing"
	"testing/fstest"
)

func TestScan(t *testing.T) {
	root := fstest.MapFS{
		"db/main.yaml": {Data: []byte(`apiVersion: v1
kind: Secret
metadata: {name: s}
---
apiVersion: databases.schemahero.io/v1alpha4
kind: Database
metadata:
  name: main
spec:
  connection:
    postgres:
      uri:
        valueFrom: {secretKeyRef: {name: s, key: uri}}
`)},
		"db/crdb.yml":      {Data: []byte("apiVersion: databases.schemahero.io/v1alpha4\nkind: Database\nmetadata: {name: roach}\nspec: {connection: {cockroachdb: {uri: {value: x}}, postgres: {}}}\n")},
		"t/users.yaml":     {Data: []byte("apiVersion: schemas.schemahero.io/v1alpha4\nkind: Table\nmetadata: {name: users}\nspec: {database: my, schema: {mysql: {}}}\n")},
		".git/x.yaml":      {Data: []byte("apiVersion: schemas.schemahero.io/v1alpha4\nkind: Table\nspec: {schema: {rqlite: {}}}\n")},
		"chart/tmpl.yaml":  {Data: []byte("apiVersion: schemas.schemahero.io/v1alpha4\n{{ if .Values.x }}\nkind: Table\n{{ end }}\n")},
		"notes.txt":        {Data: []byte("kind: Database")},
		"other/table.yaml": {Data: []byte("apiVersion: example.com/v1 # not schemahero.io/v1\nkind: Table\nspec: {schema: {sqlite: {}}}\n")},
	}
	got, err := Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []Need{
		{Driver: "mysql", Objects: []string{"t/users.yaml: Table/users"}},
		{Driver: "postgres", Aliases: []string{"cockroachdb"}, Objects: []string{"db/crdb.yml: Database/roach", "db/main.yaml: Database/main"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestScanBroken(t *testing.T) {
	_, err := Scan(fstest.MapFS{"x.yaml": {Data: []byte("apiVersion: schemas.schemahero.io/v1alpha4\nkind: [\n")}})
	var file *FileError
	if !errors.As(err, &file) || file.File != "x.yaml" {
		t.Errorf("got %v, want a *FileError of x.yaml", err)
	}
}
