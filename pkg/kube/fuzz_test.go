package kube

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/opencontainers/go-digest"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Whatever a pod is, it runs what is locked only where that digest stands in it.
func FuzzPod(f *testing.F) {
	f.Add([]byte(`{"spec": {"volumes": [{"name": "d", "image": {"reference": "r@` + locked + `"}}], "containers": [{"name": "manager", "volumeMounts": [{"name": "d", "mountPath": "` + home + `"}]}]}, "status": {"phase": "Running"}}`))
	f.Add([]byte(`{"spec": {"volumes": [{"name": "d", "emptyDir": {}}], "initContainers": [{"name": "i", "image": "r:1", "volumeMounts": [{"name": "d"}]}], "containers": [{"name": "manager", "volumeMounts": [{"name": "d", "mountPath": "/plugins/bin//"}]}]}, "status": {"phase": "Running", "initContainerStatuses": [{"name": "i", "imageID": "r@` + locked + `"}]}}`))
	f.Add([]byte(`{"spec": {"containers": [{"name": "manager", "image": "r@` + locked + `", "volumeMounts": [{"mountPath": "/schemahero-x"}, {"mountPath": "/home/"}]}]}}`))
	lock := Lock{Drivers: []Driver{{Name: "mysql"}}, Folders: folders(), Manager: locked, Image: func() (digest.Digest, error) { return locked, nil }}
	f.Fuzz(func(t *testing.T, data []byte) {
		u := &unstructured.Unstructured{}
		if json.Unmarshal(data, &u.Object) != nil {
			return
		}
		var p pod
		if (&Client{}).decode(u, &p) != nil {
			return
		}
		p.Metadata.Namespace, p.Metadata.Labels = "app", map[string]string{databaseLabel: "main"}
		c := Cluster{databases: []Database{{Namespace: "app", Name: "main", Engines: []string{"mysql"}}}, pods: []pod{p}}
		found, err := c.Check(lock)
		if err != nil || len(found) != 1 {
			t.Fatalf("%+v, %v", found, err)
		}
		if read, err := json.Marshal(p); err != nil || found[0].State == Locked && !bytes.Contains(read, []byte("@"+locked)) {
			t.Errorf("%+v, %v", found[0], err)
		}
	})
}

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
