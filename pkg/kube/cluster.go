package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What SchemaHero's operator makes bears these labels: a StatefulSet for each Database,
// and its pods. The operator's own pod lacks the second.
const (
	planeLabel    = "control-plane"
	plane         = "schemahero"
	databaseLabel = "database"
	selector      = planeLabel + "=" + plane + "," + databaseLabel
)

// Database is as much of a Database object as tells which driver it needs.
type Database struct {
	Namespace, Name string
	Engines         []string          // that its connection names, that which the host takes first
	Image           string            // of the manager, spec.schemahero.image; "" for the operator's
	Labels          map[string]string // more of them for its pods
}

func (d Database) key() [2]string { return [2]string{d.Namespace, d.Name} }

// Cluster is what was read of a cluster.
type Cluster struct {
	databases []Database
	pods      []pod
	next      map[[2]string]next
}

// Databases returns how many there are.
func (c *Cluster) Databases() int { return len(c.databases) }

// Databases reads the Databases of a cluster. Errors: *DeniedError, *MissingError,
// *ServerError, and that of ctx.
func (c *Client) Databases(ctx context.Context) ([]Database, error) {
	var out []Database
	err := c.list(ctx, databases(), "DatabaseList", "", func(u *unstructured.Unstructured) error {
		d := Database{Namespace: u.GetNamespace(), Name: u.GetName()}
		// Nothing below the keys is looked at.
		if connection, _, err := unstructured.NestedFieldNoCopy(u.Object, "spec", "connection"); err == nil {
			keys, _ := connection.(map[string]any)
			d.Engines = enginesOf(keys)
		}
		// The operator writes them into its pods as they are.
		d.Image, _, _ = unstructured.NestedString(u.Object, "spec", "schemahero", "image")
		d.Labels, _, _ = unstructured.NestedStringMap(u.Object, "spec", "template", "metadata", "labels")
		out = append(out, d)
		return nil
	})
	if missing, ok := errors.AsType[*MissingError](err); ok && !missing.Said {
		return nil, c.check(ctx, missing)
	}
	return out, err
}

// Needed returns which drivers Databases need.
func Needed(databases []Database) Found {
	n := needs{}
	for _, d := range databases {
		n.need(d.Engines, fmt.Sprintf("%s: Database/%s", d.Namespace, d.Name))
	}
	return n.found()
}

// check tells a cluster without SchemaHero's objects from what is not a cluster: that has
// no pods either.
func (c *Client) check(ctx context.Context, missing *MissingError) error {
	err := c.list(ctx, pods(), "PodList", selector, func(*unstructured.Unstructured) error { return nil })
	if errors.As(err, new(*MissingError)) {
		return &ServerError{Request: missing.Request, Status: http.StatusNotFound}
	}
	if err == nil || errors.As(err, new(*DeniedError)) {
		return missing
	}
	return err
}

func databases() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "databases.schemahero.io", Version: "v1alpha4", Resource: "databases"}
}

func pods() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "pods"}
}

// Read reads the Databases of a cluster, and the pods that the operator's
// StatefulSets have made for them.
// Errors: those of Databases.
func (c *Client) Read(ctx context.Context) (*Cluster, error) {
	databases, err := c.Databases(ctx)
	if err != nil {
		return nil, err
	}
	out := &Cluster{databases: databases}
	err = c.list(ctx, pods(), "PodList", selector, func(u *unstructured.Unstructured) error {
		var p pod
		if err := c.decode(u, &p); err != nil {
			return err
		}
		out.pods = append(out.pods, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// decode reads as much of an object as into has.
func (c *Client) decode(u *unstructured.Unstructured, into any) error {
	if runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, into) == nil {
		return nil
	}
	return c.odd(u)
}

// odd is the error of an object that cannot be what it says it is.
func (c *Client) odd(u *unstructured.Unstructured) error {
	return &ServerError{Request: Request{Server: c.server}, Problem: fmt.Sprintf("%s %s/%s: is not as Kubernetes writes it", u.GetKind(), u.GetNamespace(), u.GetName())}
}
