package peers

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Where `export kubernetes` has its drivers mounted, and which image it mounts.
const (
	managerFolder = "/home/schemahero-manager/.schemahero/plugins"
	lockedImage   = "registry.example.com/shop/drivers@sha256:d0be04038ec18cd06d6abb17437456b02b322ff8eab16b63df16b1e9a0caa104"
	volumeName    = "schemahero-drivers"
)

// tree is a part of a JSON object.
type tree = map[string]any

// at walks down a tree; an absent part is nil.
func at(v any, path ...string) any {
	for _, key := range path {
		t, _ := v.(tree)
		v = t[key]
	}
	return v
}

// named gives the element of a list that has this name, or nil.
func named(list any, name string) any {
	elements, _ := list.([]any)
	for _, e := range elements {
		if at(e, "name") == name {
			return e
		}
	}
	return nil
}

// operatorPod is the spec of the pods that SchemaHero's operator makes for a
// Database, with a container that a webhook adds.
func operatorPod() tree {
	return tree{
		"terminationGracePeriodSeconds": 10,
		"containers": []any{
			tree{
				"name": "manager", "image": "schemahero/schemahero-manager:0.24.0", "command": []any{"/manager"},
				"args":      []any{"run", "--namespace", "app", "--database-name", "db"},
				"resources": tree{"limits": tree{"cpu": "1", "memory": "150Mi"}, "requests": tree{"cpu": "10m", "memory": "50Mi"}},
			},
			tree{"name": "vault-agent", "image": "hashicorp/vault:1"},
		},
	}
}

// databaseLabels are those that the operator puts on what it makes for a Database.
func databaseLabels() tree { return tree{"control-plane": "schemahero", "database": "db"} }

func pod(name string, labels, spec tree) tree {
	return tree{"apiVersion": "v1", "kind": "Pod", "metadata": tree{"name": name, "labels": labels}, "spec": spec}
}

func statefulSet(labels, spec tree) tree {
	return tree{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": tree{"generateName": "db-controller-", "labels": labels}, "spec": tree{
		"serviceName": "", "selector": tree{"matchLabels": labels},
		"template": tree{"metadata": tree{"labels": labels}, "spec": spec},
	}}
}

// applied is a policy of pkg/image/testdata on the API server.
type applied struct {
	t         *testing.T
	s         *apiServer
	name      string // of the file, and of the namespace it acts in
	namespace string
	onPods    bool
	mount     string
}

// send has the API server admit an object, without storing it. It returns the pod's
// spec, or why it was refused.
func (a *applied) send(namespace string, object tree) (spec any, refusal string) {
	a.t.Helper()
	path := "/api/v1/namespaces/" + namespace + "/pods"
	inner := []string{"spec"}
	if object["kind"] == "StatefulSet" {
		path, inner = "/apis/apps/v1/namespaces/"+namespace+"/statefulsets", []string{"spec", "template", "spec"}
	}
	status, body := a.s.ask(a.t, http.MethodPost, path+"?dryRun=All", object)
	var answer tree
	if err := json.Unmarshal(body, &answer); err != nil {
		a.t.Fatalf("%v: %s", err, body)
	}
	if status != http.StatusCreated {
		refusal, _ = answer["message"].(string)
		return nil, refusal
	}
	return at(answer, inner...), ""
}

// target is what the policy acts on, with a pod of this spec.
func (a *applied) target(labels, spec tree) tree {
	if a.onPods {
		return pod("db-controller-0", labels, spec)
	}
	return statefulSet(labels, spec)
}

// TestPolicies applies every policy that `export kubernetes` can write (they are the
// golden files of pkg/image) to a real API server, and sees what it makes of what
// SchemaHero's operator makes.
func TestPolicies(t *testing.T) {
	s := startAPIServer(t)
	s.namespace(t, "elsewhere")
	files, err := filepath.Glob(filepath.Join("..", "..", "pkg", "image", "testdata", "kubernetes", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no policies: %v", err)
	}
	var all strings.Builder
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		s.namespace(t, name)
		s.namespace(t, name+"-too")
		if name != "everywhere" { // it would act on the others' pods
			all.WriteString("---\n" + read(t, file))
		}
	}
	s.apply(t, all.String())
	defer s.kubectl(t, all.String(), "delete", "--ignore-not-found", "-f", "-")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if name == "everywhere" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			mount := managerFolder
			switch name {
			case "beta":
				mount = "/var/lib/schemahero/plugins"
			case "beta-init":
				mount = "/opt/drivers"
			}
			a := &applied{t: t, s: s, name: name, namespace: name, onPods: strings.HasPrefix(name, "pods"), mount: mount}
			a.mutates()
			a.leavesAlone("elsewhere")
			a.survives()
			a.comesAgain()
			if strings.Contains(name, "deny") || strings.HasPrefix(name, "beta") {
				a.refuses()
			}
		})
	}

	// The policy for every namespace acts on the Databases of each.
	t.Run("everywhere", func(t *testing.T) {
		text := read(t, filepath.Dir(files[0]), "everywhere.yaml")
		s.apply(t, text)
		defer s.ok(t, text, "delete", "-f", "-")
		a := &applied{t: t, s: s, name: "everywhere", namespace: "everywhere", mount: managerFolder}
		a.mutates()
		if spec, refusal := a.send("elsewhere", a.target(databaseLabels(), operatorPod())); refusal != "" || named(at(spec, "volumes"), volumeName) == nil {
			t.Errorf("in another namespace: %s %v", refusal, spec)
		}
	})
}

// TestKyverno has the patch of the documented Kyverno policy applied to what the
// operator makes, by kubectl, which merges lists as Kyverno does; the API server takes
// what comes out.
func TestKyverno(t *testing.T) {
	_, text, _ := strings.Cut(read(t, "..", "..", "docs", "cluster.md"), "<!-- example: kyverno -->\n```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	s := startAPIServer(t)
	s.namespace(t, "kyverno")
	crd := s.ok(t, strings.NewReplacer("REF@DIGEST", lockedImage, "(name)", "name").Replace(text), "patch", "-f", "-", "--local", "--type", "merge", "-p", "{}", "-o", "json")
	var policy tree
	if err := json.Unmarshal([]byte(crd), &policy); err != nil {
		t.Fatal(err)
	}
	patch, err := json.Marshal(at(at(policy, "spec", "rules").([]any)[0], "mutate", "patchStrategicMerge"))
	if err != nil {
		t.Fatal(err)
	}
	a := &applied{t: t, s: s, name: "kyverno", namespace: "kyverno", mount: managerFolder}
	object, err := json.Marshal(a.target(databaseLabels(), operatorPod()))
	if err != nil {
		t.Fatal(err)
	}
	patched := s.ok(t, string(object), "patch", "-f", "-", "--local", "--type", "strategic", "-p", string(patch), "-o", "json")
	var set tree
	if err := json.Unmarshal([]byte(patched), &set); err != nil {
		t.Fatal(err)
	}
	spec, refusal := a.send("kyverno", set)
	if refusal != "" {
		t.Fatal(refusal)
	}
	a.locked(spec)
}

// mutates shows that the policy acts, in both of its namespaces.
func (a *applied) mutates() {
	a.t.Helper()
	var spec any
	a.s.until(a.t, "the policy acts", func() bool {
		var refusal string
		if spec, refusal = a.send(a.namespace, a.target(databaseLabels(), operatorPod())); refusal != "" {
			a.t.Fatalf("what the operator makes is refused: %s", refusal)
		}
		return named(at(spec, "volumes"), volumeName) != nil
	})
	a.locked(spec)
	other, refusal := a.send(a.name+"-too", a.target(databaseLabels(), operatorPod()))
	if refusal != "" || named(at(other, "volumes"), volumeName) == nil {
		a.t.Errorf("the second namespace: %s %v", refusal, other)
	}

	// What was mutated comes back as it is.
	again, refusal := a.send(a.namespace, a.target(databaseLabels(), spec.(tree)))
	if refusal != "" || !reflect.DeepEqual(again, spec) {
		a.t.Errorf("a second time: %s\n%v\n%v", refusal, spec, again)
	}

	// Another digest, from before the lock changed, gives way.
	old, err := json.Marshal(spec)
	if err != nil {
		a.t.Fatal(err)
	}
	var stale tree
	if err := json.Unmarshal(bytes.ReplaceAll(old, []byte("@sha256:d0be"), []byte("@sha256:0000")), &stale); err != nil {
		a.t.Fatal(err)
	}
	if again, refusal = a.send(a.namespace, a.target(databaseLabels(), stale)); refusal != "" || !reflect.DeepEqual(again, spec) {
		a.t.Errorf("with another digest: %s\n%v\n%v", refusal, spec, again)
	}

	// What is there already stays.
	full := operatorPod()
	full["volumes"] = []any{tree{"name": "cert", "secret": tree{"secretName": "cert"}}}
	full["imagePullSecrets"] = []any{tree{"name": "other"}}
	full["initContainers"] = []any{tree{"name": "vault-agent-init", "image": "hashicorp/vault:1"}}
	named(full["containers"], "manager").(tree)["volumeMounts"] = []any{tree{"name": "cert", "mountPath": "/tmp/cert"}}
	spec, refusal = a.send(a.namespace, a.target(databaseLabels(), full))
	if refusal != "" {
		a.t.Fatalf("a pod with a volume, a pull secret and an init container: %s", refusal)
	}
	a.locked(spec)
	if named(at(spec, "volumes"), "cert") == nil || named(at(spec, "imagePullSecrets"), "other") == nil || named(at(spec, "initContainers"), "vault-agent-init") == nil {
		a.t.Errorf("something that was there is lost: %v", spec)
	}
}

// locked holds a pod's spec against what the policy promises.
func (a *applied) locked(spec any) {
	a.t.Helper()
	volume := named(at(spec, "volumes"), volumeName)
	if strings.Contains(a.name, "init") {
		copier, drivers := named(at(spec, "initContainers"), "schemahero-copier"), named(at(spec, "initContainers"), volumeName)
		if at(volume, "emptyDir") == nil || at(drivers, "image") != lockedImage || !strings.Contains(fmt.Sprint(at(copier, "image")), "busybox") {
			a.t.Fatalf("does not copy %s into a volume: %v", lockedImage, spec)
		}
		// What brings the program has no way to the drivers.
		mounts := at(copier, "volumeMounts")
		if named(mounts, volumeName) != nil || at(named(at(drivers, "volumeMounts"), "schemahero-copier"), "readOnly") != true {
			a.t.Fatalf("the copier has %v and the drivers have %v", mounts, at(drivers, "volumeMounts"))
		}
	} else if at(volume, "image", "reference") != lockedImage || at(volume, "image", "pullPolicy") != "IfNotPresent" {
		a.t.Fatalf("the volume is not of %s: %v", lockedImage, volume)
	}
	mounts := 0
	of, _ := at(named(at(spec, "containers"), "manager"), "volumeMounts").([]any)
	for _, m := range of {
		if at(m, "name") == volumeName {
			mounts++
			if at(m, "mountPath") != a.mount || at(m, "readOnly") != true {
				a.t.Fatalf("the mount is %v", m)
			}
		}
	}
	others := at(named(at(spec, "containers"), "vault-agent"), "volumeMounts")
	if mounts != 1 || named(others, volumeName) != nil {
		a.t.Fatalf("%d mounts, and another container has %v", mounts, others)
	}
	if secret := named(at(spec, "imagePullSecrets"), "drivers-registry"); (secret != nil) != strings.Contains(a.name, "secret") {
		a.t.Fatalf("the pull secret is %v", secret)
	}
}

// leavesAlone shows that nothing else is changed: not the operator itself, nor other
// workloads, nor what lies in another namespace.
func (a *applied) leavesAlone(elsewhere string) {
	a.t.Helper()
	for _, c := range []struct {
		namespace string
		labels    tree
	}{
		{a.namespace, tree{"control-plane": "schemahero"}},
		{a.namespace, tree{"database": "db"}},
		{a.namespace, tree{"app": "web"}},
		{elsewhere, databaseLabels()},
	} {
		for _, object := range []tree{pod("web-0", c.labels, operatorPod()), statefulSet(c.labels, operatorPod())} {
			spec, refusal := a.send(c.namespace, object)
			if refusal != "" || named(at(spec, "volumes"), volumeName) != nil {
				a.t.Errorf("%s with %v in %s: %s %v", object["kind"], c.labels, c.namespace, refusal, spec)
			}
		}
	}
}

// survives shows that the operator, which writes the whole StatefulSet at each event,
// neither takes the drivers away nor rolls the pods.
func (a *applied) survives() {
	a.t.Helper()
	if a.onPods {
		return
	}
	path := "/apis/apps/v1/namespaces/" + a.namespace + "/statefulsets"
	object := statefulSet(databaseLabels(), operatorPod())
	object["metadata"] = tree{"name": "db-controller", "labels": databaseLabels()}
	write := func(method, path string) (generation any, spec any) {
		a.t.Helper()
		status, body := a.s.ask(a.t, method, path, object)
		var answer tree
		if err := json.Unmarshal(body, &answer); err != nil || status >= 300 {
			a.t.Fatalf("%s: status %d, %v: %s", method, status, err, body)
		}
		return at(answer, "metadata", "generation"), at(answer, "spec", "template", "spec")
	}
	before, _ := write(http.MethodPost, path)
	after, spec := write(http.MethodPut, path+"/db-controller")
	if before != after {
		a.t.Errorf("what the operator writes again makes generation %v of %v", after, before)
	}
	a.locked(spec)
}

// comesAgain shows that the drivers stay where a webhook, which the API server calls
// after all policies, takes their mount and volume away, as one may that writes a
// template of its own.
func (a *applied) comesAgain() {
	a.t.Helper()
	path := []string{"spec"}
	if !a.onPods {
		path = []string{"spec", "template", "spec"}
	}
	instead := func(list any, own tree) []any {
		of, _ := list.([]any)
		return append(slices.DeleteFunc(of, func(e any) bool { return at(e, "name") == volumeName }), own)
	}
	injector := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review tree
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			a.t.Error(err)
		}
		spec := at(at(review, "request", "object"), path...)
		mounts := at(named(at(spec, "containers"), "manager"), "volumeMounts")
		root := "/" + strings.Join(path, "/")
		patch, err := json.Marshal([]tree{
			{"op": "add", "path": root + "/volumes", "value": instead(at(spec, "volumes"), tree{"name": "own", "emptyDir": tree{}})},
			{"op": "add", "path": root + "/containers/0/volumeMounts", "value": instead(mounts, tree{"name": "own", "mountPath": "/own"})},
		})
		if err != nil {
			a.t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		err = json.NewEncoder(w).Encode(tree{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": tree{
			"uid": at(review, "request", "uid"), "allowed": true, "patchType": "JSONPatch", "patch": patch,
		}})
		if err != nil {
			a.t.Error(err)
		}
	}))
	defer injector.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: injector.Certificate().Raw})
	webhook, err := json.Marshal(tree{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": tree{"name": a.name}, "webhooks": []tree{{
		"name": a.name + ".example.com", "sideEffects": "None", "admissionReviewVersions": []string{"v1"},
		"clientConfig":   tree{"url": injector.URL, "caBundle": ca},
		"objectSelector": tree{"matchLabels": tree{"injected": a.name}},
		"rules":          []tree{{"operations": []string{"CREATE"}, "apiGroups": []string{"", "apps"}, "apiVersions": []string{"v1"}, "resources": []string{"pods", "statefulsets"}}},
	}}})
	if err != nil {
		a.t.Fatal(err)
	}
	a.s.apply(a.t, string(webhook))
	defer a.s.ok(a.t, "", "delete", "mutatingwebhookconfiguration", a.name)
	labels := databaseLabels()
	labels["injected"] = a.name
	var spec any
	a.s.until(a.t, "the webhook acts", func() bool {
		var refusal string
		if spec, refusal = a.send(a.namespace, a.target(labels, operatorPod())); refusal != "" {
			a.t.Fatalf("what a webhook has changed is refused: %s", refusal)
		}
		return named(at(spec, "volumes"), "own") != nil
	})
	a.locked(spec)
}

// refuses shows that a pod that does not run the lock is refused, in words that say
// what is wrong with it.
func (a *applied) refuses() {
	a.t.Helper()
	// What the policy itself would put in place.
	good, refusal := a.send(a.namespace, a.target(databaseLabels(), operatorPod()))
	if refusal != "" {
		a.t.Fatal(refusal)
	}
	// Without the part that mutates, since that would mend some of what follows.
	a.s.ok(a.t, "", "delete", "mutatingadmissionpolicybinding", a.name)
	bare := "the pod has no volume " + volumeName + " of " + lockedImage
	if strings.Contains(a.name, "init") {
		bare = "the pod has no init container " + volumeName + " of " + lockedImage
	}
	a.s.until(a.t, "a pod without the drivers is refused", func() bool {
		_, refusal := a.send(a.namespace, pod("db-controller-0", databaseLabels(), operatorPod()))
		return strings.Contains(refusal, bare)
	})
	// altered is a copy of the good pod with something of the manager's changed.
	altered := func(alter func(spec, manager tree)) tree {
		data, err := json.Marshal(good)
		if err != nil {
			a.t.Fatal(err)
		}
		var spec tree
		if err := json.Unmarshal(data, &spec); err != nil {
			a.t.Fatal(err)
		}
		alter(spec, named(spec["containers"], "manager").(tree))
		return pod("db-controller-0", databaseLabels(), spec)
	}
	mounting := func(path string) func(spec, manager tree) {
		return func(spec, manager tree) {
			spec["volumes"] = append(spec["volumes"].([]any), tree{"name": "own", "emptyDir": tree{}})
			manager["volumeMounts"] = append(manager["volumeMounts"].([]any), tree{"name": "own", "mountPath": path})
		}
	}
	for _, path := range []string{"", "/tmp/cert", "/var/run/own", "/opt/other", "/home/other", "/plugins/binary"} {
		alter := mounting(path)
		if path == "" {
			alter = func(tree, tree) {}
		}
		if _, refusal := a.send(a.namespace, altered(alter)); refusal != "" {
			a.t.Errorf("the right pod, mounting %q: %s", path, refusal)
		}
	}
	const stray = "another volume is mounted where the host looks for drivers: "
	drivers := func(manager tree) tree { return named(manager["volumeMounts"], volumeName).(tree) }
	for what, c := range map[string]struct {
		alter func(spec, manager tree)
		want  string
	}{
		"another digest": {func(spec, _ tree) {
			const other = "registry.example.com/shop/drivers@sha256:0000000000000000000000000000000000000000000000000000000000000000"
			if v := named(spec["volumes"], volumeName); at(v, "image") != nil {
				at(v, "image").(tree)["reference"] = other
			} else {
				named(spec["initContainers"], volumeName).(tree)["image"] = other
			}
		}, bare},
		"no mount":            {func(_, manager tree) { delete(manager, "volumeMounts") }, "the container manager does not mount " + volumeName + " at " + a.mount},
		"no manager":          {func(_, manager tree) { manager["name"] = "main" }, "the container manager does not mount"},
		"mounted elsewhere":   {func(_, manager tree) { drivers(manager)["mountPath"] = "/mnt" }, "the container manager does not mount"},
		"a part of it":        {func(_, manager tree) { drivers(manager)["subPath"] = "sub" }, "the container manager does not mount"},
		"over /plugins/bin":   {mounting("/plugins/bin"), stray + "/plugins/bin/"},
		"over /plugins":       {mounting("/plugins/"), stray + "/plugins/"},
		"over HOME":           {mounting("/home/schemahero-manager"), stray + "/home/schemahero-manager/"},
		"in /usr/local":       {mounting("/usr/local/lib/schemahero/plugins"), stray + "/usr/local/lib/schemahero/plugins/"},
		"a file in /var/lib":  {mounting("/var/lib/schemahero/plugins/schemahero-mysql"), stray + "/var/lib/schemahero/plugins/schemahero-mysql/"},
		"in the working dir":  {mounting("/schemahero-postgres"), stray + "/schemahero-postgres/"},
		"in the mount itself": {mounting(a.mount + "/sub"), stray + a.mount + "/sub/"},
	} {
		_, refusal := a.send(a.namespace, altered(c.alter))
		if !strings.Contains(refusal, c.want) || !strings.Contains(refusal, "ValidatingAdmissionPolicy '"+a.name+"'") {
			a.t.Errorf("%s: %q, want %q", what, refusal, c.want)
		}
	}
	a.leavesAlone("elsewhere")
}
