package kube

import (
	"cmp"
	"context"
	"errors"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// next is what would become of a new pod of a Database.
type next struct {
	pod    *pod   // as it would be; nil where policy says why there is none
	policy Policy // Refuses or Unknown; Unknown beside a pod that was not asked about as the StatefulSet's
	text   string // what the API server says
}

// refusal says that the API server admits something not.
type refusal struct{ message string }

func (e *refusal) Error() string { return e.message }

// atOnce is how many objects are rehearsed at a time.
const atOnce = 8

// Rehearse has the API server say what it would make of the next StatefulSet and pod
// of each Database, by a dry run: nothing is made. The objects are those that the
// operator writes whenever it looks at a Database, without what was added to them
// before. Errors: *ServerError if the cluster can no longer be reached, and that of
// ctx; what it refuses is told in Check's findings.
func (c *Client) Rehearse(ctx context.Context, in *Cluster) error {
	out := make([]next, len(in.databases))
	errs := parallel.Errors(ctx, len(in.databases), atOnce, func(i int) (err error) {
		d := in.databases[i]
		out[i], err = c.rehearse(ctx, d, cmp.Or(d.Image, in.manager(d), "schemahero/schemahero-manager"))
		return err
	})
	if err := parallel.First(errs); err != nil {
		return err
	}
	in.next = map[[2]string]next{}
	for i, d := range in.databases {
		in.next[d.key()] = out[i]
	}
	return nil
}

// manager is the image of the manager in a Database's pods, "" if it has none.
func (c *Cluster) manager(d Database) string {
	for i := range c.pods {
		if c.pods[i].of(d) {
			return c.pods[i].Spec.manager().Image
		}
	}
	return ""
}

func statefulSets() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}
}

// rehearse makes a StatefulSet of a Database and a pod of that, without a trace. If the
// first cannot be asked for, the pod is the operator's.
func (c *Client) rehearse(ctx context.Context, d Database, image string) (out next, err error) {
	set := statefulSet(d, image)
	if admitted, err := c.dryRun(ctx, d.Namespace, statefulSets(), set); err == nil {
		set = admitted
	} else if out, err = unrehearsed(err); err != nil || out.policy == Refuses {
		return out, err
	}
	template, found, err := unstructured.NestedMap(set.Object, "spec", "template")
	if !found || err != nil {
		return out, c.odd(set)
	}
	template["apiVersion"], template["kind"] = "v1", "Pod"
	made := &unstructured.Unstructured{Object: template}
	made.SetGenerateName(d.Name + "-controller-")
	if made, err = c.dryRun(ctx, d.Namespace, pods(), made); err != nil {
		return unrehearsed(err)
	}
	out.pod = &pod{}
	return out, c.decode(made, out.pod)
}

// unrehearsed reports what the API server said of something that it did not admit, or
// was not asked about because of it.
func unrehearsed(err error) (next, error) {
	var refused *refusal
	var server *ServerError
	switch {
	case errors.As(err, &refused):
		return next{policy: Refuses, text: refused.message}, nil
	case errors.As(err, new(*DeniedError)), errors.As(err, &server) && server.Status != 0, errors.As(err, new(*MissingError)):
		return next{policy: Unknown, text: err.Error()}, nil
	}
	return next{}, err
}

func (c *Client) dryRun(ctx context.Context, namespace string, resource schema.GroupVersionResource, u *unstructured.Unstructured) (out *unstructured.Unstructured, err error) {
	request := Request{Server: c.server, Verb: "create", Resource: resource.Resource, Group: resource.Group, Namespace: namespace}
	err = c.do(ctx, request, func(ctx context.Context) (err error) {
		out, err = c.api.Resource(resource).Namespace(namespace).Create(ctx, u, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	})
	if err == nil && out.GetKind() != u.GetKind() {
		err = &ServerError{Request: request, Problem: "does not answer with a " + u.GetKind()}
	}
	return out, err
}

// statefulSet is what the operator makes for a Database, as far as a policy can act
// on it: but with the account that each namespace has. Source: Reconcile in
// pkg/controller/database/database_controller.go of SchemaHero v0.24.
func statefulSet(d Database, image string) *unstructured.Unstructured {
	selected := map[string]any{planeLabel: plane, databaseLabel: d.Name}
	labels := maps.Clone(selected)
	for k, v := range d.Labels {
		labels[k] = v
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1",
		"kind":       "StatefulSet",
		"metadata":   map[string]any{"generateName": d.Name + "-controller-", "labels": labels},
		"spec": map[string]any{
			"serviceName": "",
			"selector":    map[string]any{"matchLabels": selected},
			"template": map[string]any{
				"metadata": map[string]any{"labels": maps.Clone(labels)},
				"spec": map[string]any{
					"terminationGracePeriodSeconds": int64(10),
					"automountServiceAccountToken":  false,
					"containers": []any{map[string]any{
						"name":            managerName,
						"image":           image,
						"imagePullPolicy": "IfNotPresent",
						"command":         []any{"/manager"},
						"args":            []any{"run", "--namespace", d.Namespace, "--database-name", d.Name},
						"resources": map[string]any{
							"limits":   map[string]any{"cpu": "1", "memory": "150Mi"},
							"requests": map[string]any{"cpu": "10m", "memory": "50Mi"},
						},
					}},
				},
			},
		},
	}}
}
