package kube

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
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
	want := Found{Needs: []Need{
		{Driver: "mysql", Objects: []string{"t/users.yaml: Table/users"}},
		{Driver: "postgres", Aliases: []string{"cockroachdb"}, Objects: []string{"db/crdb.yml: Database/roach", "db/main.yaml: Database/main"}},
	}, Problems: []EngineProblem{{"db/crdb.yml: Database/roach", []string{"cockroachdb", "postgres"}}}}
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

// What kubectl get writes is a List; what the API server itself does has items
// that do not say what they are.
func TestReadLists(t *testing.T) {
	const database = `{"apiVersion": "databases.schemahero.io/v1alpha4", "kind": "Database", "metadata": {"name": "main"}, "spec": {"connection": {"postgres": {}}}}`
	const table = "- apiVersion: schemas.schemahero.io/v1alpha4\n  kind: Table\n  metadata: {name: users}\n  spec: {schema: {mysql: {}}}\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a List":             {"apiVersion: v1\nkind: List\nitems:\n" + table, []string{"mysql"}},
		"a List of others":   {"apiVersion: v1\nkind: List\nitems:\n- [schemahero.io/]\n- {apiVersion: v1, kind: X, spec: {schema: text}}\n" + table, []string{"mysql"}},
		"JSON":               {`{"kind": "List", "items": [` + database + `]}`, []string{"postgres"}},
		"several documents":  {"---\n" + database + "\n---\nkind: List\nitems:\n" + table, []string{"mysql", "postgres"}},
		"the API's own list": {"apiVersion: databases.schemahero.io/v1alpha4\nkind: DatabaseList\nitems:\n- metadata: {name: a}\n  spec: {connection: {sqlite: {}}}\n", []string{"sqlite"}},
		"a List in a List":   {"kind: List\nitems:\n- kind: List\n  items:\n  - " + database + "\n- apiVersion: schemas.schemahero.io/v1alpha4\n  kind: TableList\n  items:\n  - spec: {schema: {mysql: {}}}\n", []string{"mysql", "postgres"}},
		"an empty List":      {"kind: List\nitems: []\n# schemahero.io/\n", nil},
	} {
		got, err := Read("x", strings.NewReader(c.text))
		var drivers []string
		for _, n := range got.Needs {
			drivers = append(drivers, n.Driver)
		}
		if err != nil || !slices.Equal(drivers, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	deep := "{kind: List, items: ["
	if _, err := Read("x", strings.NewReader(strings.Repeat(deep, maxNested+2)+database+strings.Repeat("]}", maxNested+2))); fault.Of(err) != fault.Usage {
		t.Errorf("Lists in Lists in Lists: %v", err)
	}
	bad := "kind: List\nitems:\n- {apiVersion: databases.schemahero.io/v1, kind: Database, spec: {connection: text}}\n"
	if _, err := Read("x", strings.NewReader(bad)); fault.Of(err) != fault.Usage {
		t.Errorf("a Database that is none: %v", err)
	}
}

func TestReadTooLarge(t *testing.T) {
	large := strings.NewReader(strings.Repeat("x", maxFile+1))
	if _, err := Read("x", large); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Error(err)
	}
}

func TestEngineProblems(t *testing.T) {
	for name, c := range map[string]struct{ connection, want string }{
		"none":         {"{}", "x: Database/d: its connection names no engine"},
		"null":         {"{postgres: null}", "x: Database/d: its connection names no engine"},
		"nobody's":     {"{oracle: {uri: {value: secret}}}", `x: Database/d: SchemaHero has no engine "oracle"`},
		"two":          {"{timescaledb: {}, mysql: {}}", "x: Database/d: names the engines mysql, timescaledb; SchemaHero takes mysql"},
		"one nobody's": {"{oracle: {}, mysql: {}}", "x: Database/d: names the engines mysql, oracle; SchemaHero takes mysql"},
	} {
		text := "apiVersion: databases.schemahero.io/v1alpha4\nkind: Database\nmetadata: {name: d}\nspec: {connection: " + c.connection + "}\n"
		found, err := Read("x", strings.NewReader(text))
		if err != nil || len(found.Problems) != 1 || found.Problems[0].String() != c.want {
			t.Errorf("%s: %v, %v", name, found.Problems, err)
		}
	}
}
