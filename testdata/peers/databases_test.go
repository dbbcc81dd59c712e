package peers

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// connectionSecret stands in every value of every connection.
const connectionSecret = "hunter2-do-not-tell"

// database is a Database as SchemaHero's own kinds have it.
func database(namespace, name, connection string) string {
	return fmt.Sprintf("---\napiVersion: databases.schemahero.io/v1alpha4\nkind: Database\nmetadata: {name: %s, namespace: %s}\nspec: {connection: %s}\n", name, namespace, connection)
}

// uri is a connection of most engines.
func uri(engine string) string {
	return fmt.Sprintf("{%s: {uri: {value: %q}}}", engine, engine+"://u:"+connectionSecret+"@db/x")
}

// operated is what the operator makes for a Database, with an image volume where one
// is named; without a pod where running is false.
func operated(namespace, name, image string, running bool) string {
	labels := fmt.Sprintf("{control-plane: schemahero, database: %s}", name)
	spec := "{automountServiceAccountToken: false, containers: [{name: manager, image: 'schemahero/schemahero-manager:0.24.0', command: [/manager]}]}"
	if image != "" {
		spec = fmt.Sprintf(`{automountServiceAccountToken: false, volumes: [{name: schemahero-drivers, image: {reference: %q}}],
    containers: [{name: manager, image: 'schemahero/schemahero-manager:0.24.0', volumeMounts: [{name: schemahero-drivers, mountPath: %s, readOnly: true}]}]}`, image, managerFolder)
	}
	out := fmt.Sprintf("---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: %[1]s-controller, namespace: %[2]s, labels: %[3]s}\nspec:\n  serviceName: ''\n  selector: {matchLabels: %[3]s}\n  template:\n    metadata: {labels: %[3]s}\n    spec: %[4]s\n", name, namespace, labels, spec)
	if running {
		out += fmt.Sprintf("---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s-controller-0, namespace: %s, labels: %s}\nspec: %s\n", name, namespace, labels, spec)
	}
	return out
}

// runs has the API server believe that the pods of these Databases run: there is no
// node.
func runs(t *testing.T, s *apiServer, namespace string, names ...string) {
	t.Helper()
	for _, name := range names {
		s.ok(t, "", "patch", "pod", name+"-controller-0", "-n", namespace, "--subresource=status", "--type=merge", "-p", `{"status": {"phase": "Running"}}`)
	}
}

// locking is a project whose lock has these drivers, each a file that nobody starts,
// and asks the API server.
func locking(t *testing.T, s *apiServer, reg *registry, plugins string, names ...string) *project {
	t.Helper()
	p := newProject(t, fmt.Sprintf("registry = \"%s/of-cluster\"\nplatforms = [\"linux/amd64\"]\n\n[plugins]\n%s", reg.addr, plugins), "KUBECONFIG="+s.kubeconfig)
	for _, name := range names {
		write(t, "#!/bin/sh\n# "+name+"\n", p.dir, name)
		p.ok("push", name, "1.0.0", "--force", "--registry", reg.addr+"/of-cluster", "--platform", "linux/amd64="+filepath.Join(p.dir, name))
	}
	p.ok("lock")
	return p
}

// contains fails the test if a text lacks a part.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("lacks %q:\n%s", part, text)
		}
	}
}

// TestClusterCheck asks a real API server what SchemaHero's pods run, as everybody who
// may and who may not.
func TestClusterCheck(t *testing.T) {
	s, reg := startAPIServer(t), startDebian(t, "", access{})
	s.namespace(t, "mixed")
	p := locking(t, s, reg, "postgres = { version = \"*\", aliases = [\"cockroachdb\"] }\nmysql = \"*\"\nsqlite = \"*\"\noracle = \"*\"\n", "postgres", "mysql", "sqlite", "oracle")

	// Without SchemaHero, and with nobody whom the cluster knows.
	contains(t, p.exit(4, "cluster", "check", "-A").stderr, "has no databases.databases.schemahero.io: SchemaHero is not installed there", "kubectl schemahero install")
	s.install(t)
	old := filepath.Join(p.dir, "old-kubeconfig")
	write(t, strings.ReplaceAll(read(t, s.kubeconfig), "admintoken", "expired"), old)
	contains(t, p.exit(6, "cluster", "check", "--kubeconfig", old).stderr, "unauthorized: the credentials in the kubeconfig are not accepted", "kubectl auth whoami")

	image := reg.addr + "/apps/drivers"
	locked := strings.TrimSpace(p.ok("image", "push", image).stdout)
	other := image + "@sha256:" + strings.Repeat("2", 64)
	objects := ""
	for _, engine := range []string{"postgres", "mysql", "cockroachdb", "timescaledb"} {
		objects += database("mixed", engine, uri(engine))
	}
	objects += database("mixed", "cassandra", fmt.Sprintf("{cassandra: {hosts: [%[1]s], keyspace: {value: %[1]s}, password: {value: %[1]s}}}", connectionSecret)) +
		database("mixed", "sqlite", fmt.Sprintf("{sqlite: {dsn: %s}}", connectionSecret)) +
		database("mixed", "rqlite", fmt.Sprintf("{rqlite: {host: {value: %[1]s}, port: {value: %[1]s}}}", connectionSecret)) +
		database("mixed", "two", fmt.Sprintf("{mysql: {uri: {value: %[1]s}}, cassandra: {hosts: [%[1]s], keyspace: {value: k}}}", connectionSecret)) +
		database("mixed", "none", "{}") +
		operated("mixed", "postgres", locked, true) + operated("mixed", "cockroachdb", other, true) +
		operated("mixed", "mysql", "", true) + operated("mixed", "sqlite", locked, false)
	s.apply(t, objects)
	// The API server drops what its kinds do not have.
	s.ok(t, database("mixed", "nobodys", uri("oracle")), "create", "--validate=false", "-f", "-")
	runs(t, s, "mixed", "postgres", "cockroachdb", "mysql")
	before := s.ok(t, "", "get", "statefulsets,pods", "-A", "-o", "name")

	const columns = "custom-columns=N:.name,E:.engine,D:.driver,V:.version,S:.state,P:.policy"
	r := p.exit(3, "cluster", "check", "-n", "mixed", "--image", image+":prod", "-o", columns)
	if want := `N             E             D             V        S          P
cassandra     cassandra     cassandra     <none>   missing    absent
cockroachdb   cockroachdb   postgres      1.0.0    other      absent
mysql         mysql         mysql         1.0.0    unlocked   absent
nobodys       <none>        <none>        <none>   missing    absent
none          <none>        <none>        <none>   missing    absent
postgres      postgres      postgres      1.0.0    locked     absent
rqlite        rqlite        rqlite        <none>   missing    absent
sqlite        sqlite        sqlite        1.0.0    pending    absent
timescaledb   timescaledb   timescaledb   <none>   missing    absent
two           cassandra     cassandra     <none>   missing    absent
<none>        <none>        oracle        1.0.0    unused     <none>
`; r.stdout != want {
		t.Errorf("got\n%s\nwant\n%s", r.stdout, want)
	}
	contains(t, r.stderr, "mixed/none: its connection names no engine", "mixed/nobodys: its connection names no engine",
		"mixed/two: names the engines cassandra, mysql; SchemaHero takes cassandra",
		"mixed/postgres: a new pod would have no image mounted: no policy acts on it",
		"error: cluster: 9 of 10 Databases not as locked; 1 locked driver that no Database needs", "export kubernetes --image "+image+":prod | kubectl apply -f -",
		"plugin add cassandra rqlite timescaledb\n")
	if after := s.ok(t, "", "get", "statefulsets,pods", "-A", "-o", "name"); after != before {
		t.Errorf("the dry run made something: %s, then %s", before, after)
	}

	// No form of the output has a connection's value, nor does what -v tells.
	for _, form := range []string{"json", "yaml", "wide", "name", "jsonpath={}", ""} {
		args := []string{"cluster", "check", "-A", "-vvvvvvvvv", "--stats"}
		if form != "" {
			args = append(args, "-o", form)
		}
		r := p.exit(3, args...)
		contains(t, r.stderr, "/api/v1/pods: 200", "/apis/databases.schemahero.io/v1alpha4/databases: 200")
		if strings.Contains(r.stdout+r.stderr, connectionSecret) {
			t.Errorf("-o %s tells the secret:\n%s%s", form, r.stdout, r.stderr)
		}
	}

	// What each may see.
	contains(t, p.exit(6, "cluster", "check", "-A", "--context", "viewer").stderr, `may not list databases.databases.schemahero.io in all namespaces`, `User "viewer"`,
		"hint: ask for one namespace: -n NAMESPACE", "kubectl create clusterrole schemahero-drivers --verb=list --resource=databases.databases.schemahero.io")
	contains(t, p.exit(6, "cluster", "check", "-A", "--context", "member").stderr, "ask for one namespace")
	contains(t, p.exit(6, "cluster", "check", "-n", "mixed", "--context", "member").stderr,
		"may not list databases.databases.schemahero.io in namespace mixed", "kubectl create role schemahero-drivers --namespace mixed")
	contains(t, p.exit(6, "init", "--from-cluster", "-f", "new.toml", "--context", "viewer").stderr, "may not list")
	s.apply(t, database("team", "lite", fmt.Sprintf("{sqlite: {dsn: %s}}", connectionSecret)))
	contains(t, p.exit(3, "cluster", "check", "--context", "member").stdout, "team", "lite", "pending")

	// The drivers that they need make a manifest.
	r = p.ok("init", "--from-cluster", "-n", "mixed", "-f", "new.toml")
	contains(t, r.stderr, "postgres, for mixed: Database/cockroachdb, mixed: Database/postgres", "mixed: Database/none: its connection names no engine")
	contains(t, read(t, p.dir, "new.toml"), `postgres = { version = "*", aliases = ["cockroachdb"] }`, "timescaledb", "cassandra", "rqlite", "sqlite", "mysql")

	shop(t, s, reg, image)

	// More of them than are asked for at once.
	s.namespace(t, "many")
	var many strings.Builder
	for i := range 501 {
		many.WriteString(database("many", fmt.Sprintf("d%03d", i), fmt.Sprintf("{sqlite: {dsn: %s}}", connectionSecret)))
	}
	s.ok(t, many.String(), "create", "-f", "-")
	r = p.ok("init", "--from-cluster", "-n", "many", "-f", "many.toml", "-v")
	contains(t, r.stderr, "sqlite, for many: Database/d000, ", "many: Database/d009 and 491 more")
	if n := strings.Count(r.stderr, "/namespaces/many/databases: 200"); n != 2 {
		t.Errorf("asked %d times:\n%s", n, r.stderr)
	}
}

// shop goes through the day of docs/cluster.md, and shows what stands there.
func shop(t *testing.T, s *apiServer, reg *registry, image string) {
	document := read(t, "..", "..", "docs", "cluster.md")
	p := locking(t, s, reg, "postgres = \"*\"\n")
	locked := strings.TrimSpace(p.ok("image", "push", image).stdout)
	shown := func(code int) {
		t.Helper()
		r := p.exit(code, "cluster", "check", "--namespace", "shop", "--image", image)
		contains(t, document, "$ kubectl schemahero plugin cluster check --namespace shop --image registry.internal/shop/drivers\n"+
			strings.ReplaceAll(r.stdout+r.stderr, image, "registry.internal/shop/drivers")+"```\n")
	}
	s.namespace(t, "shop")
	s.apply(t, database("shop", "orders", uri("postgres"))+operated("shop", "orders", "", true))
	runs(t, s, "shop", "orders")
	shown(3)
	s.apply(t, p.ok("export", "kubernetes", "--image", image, "-n", "shop", "--deny", "--name", "shop").stdout)
	s.until(t, "the policy acts", func() bool {
		return strings.HasSuffix(p.exit(3, "cluster", "check", "-n", "shop", "-o", "jsonpath={.items[*].policy}").stdout, "acts")
	})
	contains(t, p.exit(3, "cluster", "check", "-n", "shop").stderr, "the policy acts; have the StatefulSet pass it: kubectl annotate statefulsets --namespace shop --selector control-plane=schemahero,database=orders")
	s.ok(t, "", "annotate", "statefulsets", "--namespace", "shop", "--selector", "control-plane=schemahero,database=orders", "--overwrite", "drivers=1")
	contains(t, s.ok(t, "", "get", "statefulsets", "-n", "shop", "-o", "yaml"), locked)
	s.ok(t, "", "delete", "pod", "orders-controller-0", "-n", "shop", "--force")
	contains(t, p.exit(3, "cluster", "check", "-n", "shop").stdout, "pending")
	s.apply(t, operated("shop", "orders", locked, true))
	runs(t, s, "shop", "orders")
	shown(0)

	// Every field of an item is told in docs/output.md.
	var list struct{ Items []tree }
	if err := json.Unmarshal([]byte(p.ok("cluster", "check", "-n", "shop", "-o", "json").stdout), &list); err != nil {
		t.Fatal(err)
	}
	for field := range list.Items[0] {
		contains(t, read(t, "..", "..", "docs", "output.md"), "`items[]."+field+"`")
	}

	// Held against another image; as somebody who may only look.
	p.ok("cluster", "check", "-n", "shop", "--image", locked)
	contains(t, p.exit(3, "cluster", "check", "-n", "shop", "--image", image+"@sha256:"+strings.Repeat("2", 64)).stdout, "other", "outdated")
	s.ok(t, "", "create", "clusterrole", "schemahero-drivers", "--verb=list", "--resource=databases.databases.schemahero.io,pods")
	s.ok(t, "", "create", "rolebinding", "reader", "-n", "shop", "--clusterrole=schemahero-drivers", "--user=reader")
	reader := filepath.Join(p.dir, "reader")
	write(t, strings.Replace(read(t, s.kubeconfig), "{token: admintoken}", "{token: admintoken, as: reader}", 1), reader)
	contains(t, p.ok("cluster", "check", "-n", "shop", "--kubeconfig", reader).stderr, "what becomes of a new pod is not known", "may not create pods in namespace shop")
	if r := p.ok("cluster", "check", "-n", "shop", "--kubeconfig", reader, "--no-dry-run"); r.stderr != "" {
		t.Errorf("without a dry run: %s", r.stderr)
	}
	elsewhere := filepath.Join(p.dir, "elsewhere")
	contains(t, p.exit(1, "cluster", "check", "-n", "shop", "--home", elsewhere).stderr, "not known before these layers have been read", "image push REF", "--image REF@DIGEST")
	p.ok("image", "push", image, "--dry-run", "--home", elsewhere)
	p.ok("cluster", "check", "-n", "shop", "--home", elsewhere)

	// The policy is taken away, one half after the other.
	s.ok(t, "", "delete", "mutatingadmissionpolicy", "shop")
	s.until(t, "a new pod is refused", func() bool {
		return strings.Contains(p.ok("cluster", "check", "-n", "shop").stderr, "shop/orders: a new pod would be refused: pods \"orders-controller-")
	})
	s.ok(t, "", "delete", "validatingadmissionpolicy", "shop")
	s.until(t, "no policy acts", func() bool {
		return strings.Contains(p.ok("cluster", "check", "-n", "shop").stderr, "no policy acts on it")
	})

	// With a base, which the Database names itself.
	based := image + "@sha256:" + strings.Repeat("3", 64)
	s.apply(t, strings.Replace(database("shop", "orders", uri("postgres")), "spec: {", "spec: {schemahero: {image: '"+based+"'}, ", 1))
	s.ok(t, "", "delete", "pod", "orders-controller-0", "-n", "shop", "--force")
	s.apply(t, strings.ReplaceAll(operated("shop", "orders", "", true), "schemahero/schemahero-manager:0.24.0", based))
	runs(t, s, "shop", "orders")
	p.ok("cluster", "check", "-n", "shop", "--image", based)
	contains(t, p.exit(3, "cluster", "check", "-n", "shop").stdout, "other")
}
