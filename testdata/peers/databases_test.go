package peers

import (
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

// contains fails the test where a text lacks a part.
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
	s.namespace(t, "good")
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
		"error: cluster: 9 of 10 Databases not as locked; 1 locked driver that no Database needs", "export kubernetes --image "+image+":prod | kubectl apply -f -")
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

	// A cluster that is as locked, with the policy that keeps it so, for somebody who
	// may only look; and what is told once the policy is gone.
	p = locking(t, s, reg, "postgres = \"*\"\n")
	locked = strings.TrimSpace(p.ok("image", "push", image).stdout)
	s.apply(t, database("good", "main", uri("postgres"))+operated("good", "main", locked, true))
	runs(t, s, "good", "main")
	s.apply(t, p.ok("export", "kubernetes", "--image", image, "-n", "good", "--deny", "--name", "good").stdout)
	s.until(t, "the policy acts", func() bool {
		return strings.HasSuffix(p.ok("cluster", "check", "-n", "good", "-o", "jsonpath={.items[*].policy}").stdout, "acts")
	})
	contains(t, p.ok("cluster", "check", "-n", "good").stdout, "NAMESPACE", "good", "main", "postgres", "1.0.0", "locked", "acts")
	p.ok("cluster", "check", "-n", "good", "--image", locked)
	contains(t, p.exit(3, "cluster", "check", "-n", "good", "--image", other).stdout, "other", "outdated")
	s.ok(t, "", "create", "role", "reader", "-n", "good", "--verb=list", "--resource=databases.databases.schemahero.io,statefulsets.apps,pods")
	s.ok(t, "", "create", "rolebinding", "reader", "-n", "good", "--role=reader", "--user=reader")
	reader := filepath.Join(p.dir, "reader")
	write(t, strings.Replace(read(t, s.kubeconfig), "{token: admintoken}", "{token: admintoken, as: reader}", 1), reader)
	contains(t, p.ok("cluster", "check", "-n", "good", "--kubeconfig", reader).stderr, "what becomes of a new pod is not known", "may not create statefulsets.apps in namespace good")
	if r := p.ok("cluster", "check", "-n", "good", "--kubeconfig", reader, "--no-dry-run"); r.stderr != "" {
		t.Errorf("without a dry run: %s", r.stderr)
	}
	s.ok(t, "", "delete", "mutatingadmissionpolicy", "good")
	s.until(t, "a new pod is refused", func() bool {
		return strings.Contains(p.ok("cluster", "check", "-n", "good").stderr, "good/main: a new pod would be refused: pods \"main-controller-")
	})
	s.ok(t, "", "delete", "validatingadmissionpolicy", "good")
	s.until(t, "no policy acts", func() bool {
		return strings.Contains(p.ok("cluster", "check", "-n", "good").stderr, "no policy acts on it")
	})
}
