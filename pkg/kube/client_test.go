package kube

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"k8s.io/klog/v2"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// secret is in every answer of the API server that could hold a connection's value.
const secret = "hunter2-do-not-tell"

// fakeCluster answers what a real API server does not say when asked nicely; the suite
// in testdata/peers asks a real one. It returns a kubeconfig.
func fakeCluster(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewTLSServer(handler)
	t.Cleanup(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return kubeconfig(t, fmt.Sprintf(`{current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: %q, certificate-authority-data: %s}}], users: [{name: u, user: {token: tkn}}]}`,
		s.URL, base64.StdEncoding.EncodeToString(ca)))
}

func kubeconfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if text, ok := v.(string); ok {
		fmt.Fprint(w, text)
		return
	}
	_ = json.NewEncoder(w).Encode(v)
}

type fields = map[string]any

func databaseObject(name string, connection any) fields {
	return fields{
		"apiVersion": "databases.schemahero.io/v1alpha4", "kind": "Database",
		"metadata": fields{"name": name, "namespace": "app"}, "spec": fields{"connection": connection},
	}
}

func listOf(kind string, items ...any) fields {
	if items == nil {
		items = []any{}
	}
	return fields{"apiVersion": "v1", "kind": kind, "metadata": fields{}, "items": items}
}

// Whatever a cluster answers, the error has a kind and none of its words.
func TestWrongAnswers(t *testing.T) {
	connection := fields{"postgres": fields{"uri": fields{"value": secret}}}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		kind    fault.Kind
		want    string
	}{
		"a page": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>"+secret) }, fault.Unreachable, "not an object of Kubernetes"},
		"cut JSON": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 200, `{"kind": "DatabaseList", "items": [{"spec": "`+secret)
		}, fault.Unreachable, "not an object of Kubernetes"},
		"another object":  {func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, databaseObject(secret, connection)) }, fault.Unreachable, "does not answer with a DatabaseList"},
		"another list":    {func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, listOf("PodList")) }, fault.Unreachable, "does not answer with a DatabaseList"},
		"items of text":   {func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, listOf("DatabaseList", secret)) }, fault.Unreachable, "not an object of Kubernetes"},
		"nothing":         {func(http.ResponseWriter, *http.Request) {}, fault.Unreachable, "not an object of Kubernetes"},
		"a broken server": {func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, secret) }, fault.Unreachable, "answers 500 Internal Server Error"},
		"a failing server": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 503, fields{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 503, "message": secret})
		}, fault.Unreachable, "answers 503 Service Unavailable"},
		"one that limits": {func(w http.ResponseWriter, _ *http.Request) { answer(w, 429, secret) }, fault.Unreachable, "answers 429 Too Many Requests"},
		"no API server":   {func(w http.ResponseWriter, _ *http.Request) { answer(w, 404, "404 "+secret) }, fault.Unreachable, "answers 404 Not Found"},
		"without SchemaHero": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 404, fields{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound"})
		}, fault.Unsatisfied, "has no databases.databases.schemahero.io"},
		"without its group": {http.NotFound, fault.Unsatisfied, "SchemaHero is not installed there"},
		"with pods alone": {func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/pods") {
				answer(w, 403, fields{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403})
				return
			}
			answer(w, 404, "<html>"+secret)
		}, fault.Unsatisfied, "SchemaHero is not installed there"},
		"a proxy's login": {func(w http.ResponseWriter, _ *http.Request) { answer(w, 401, secret) }, fault.Denied, "unauthorized"},
		"a proxy's refusal": {func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, secret) }, fault.Denied,
			"denied: may not list databases.databases.schemahero.io in namespace default"},
		"a cut connection": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"kind": "`+secret)
		}, fault.Unreachable, ""},
		"a list without end": {func(w http.ResponseWriter, _ *http.Request) {
			l := listOf("DatabaseList", databaseObject("a", connection))
			l["metadata"] = fields{"continue": "x"}
			answer(w, 200, l)
		}, fault.Unreachable, "its list of databases.databases.schemahero.io does not end"},
		"a page that is gone": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("continue") != "" {
				answer(w, 410, fields{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": secret})
				return
			}
			l := listOf("DatabaseList")
			l["metadata"] = fields{"continue": "x"}
			answer(w, 200, l)
		}, fault.Unreachable, "answers 410 Gone"},
		"pods of another shape": {func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/databases") {
				answer(w, 200, listOf("DatabaseList"))
				return
			}
			answer(w, 200, listOf("PodList", fields{"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": "p", "namespace": "n"}, "spec": secret}))
		}, fault.Unreachable, "Pod n/p: is not as Kubernetes writes it"},
	} {
		client, err := Open(Options{File: fakeCluster(t, c.handler)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Read(t.Context())
		if fault.Of(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.want) || strings.Contains(fmt.Sprint(err), secret) {
			t.Errorf("%s: %v: %v", name, fault.Of(err), err)
		}
	}
}

// A cluster that does not answer is given up, and says so; so it is when the user has
// set a time.
func TestSlowCluster(t *testing.T) {
	file := fakeCluster(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	client, err := Open(Options{File: file, Limit: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Read(t.Context())
	if fault.Of(err) != fault.Unreachable || !strings.Contains(err.Error(), "no answer within 20ms") {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if client, err = Open(Options{File: file}); err != nil {
		t.Fatal(err)
	}
	if _, err = client.Read(ctx); !errors.Is(err, context.DeadlineExceeded) || fault.Of(err) != fault.Unreachable {
		t.Error(err)
	}
}

func TestUnreachableCluster(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	client, err := Open(Options{File: kubeconfig(t, "{current-context: c, contexts: [{name: c, context: {cluster: c}}], clusters: [{name: c, cluster: {server: '"+s.URL+"'}}]}")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Read(t.Context())
	if fault.Of(err) != fault.Unreachable || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "/apis/") {
		t.Error(err)
	}
}

// A program that the kubeconfig names for credentials and that fails is a matter of
// credentials.
func TestCredentialHelper(t *testing.T) {
	file := fakeCluster(t, func(http.ResponseWriter, *http.Request) { t.Error("asked without credentials") })
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	helper := "{exec: {apiVersion: client.authentication.k8s.io/v1, command: /does/not/exist, interactiveMode: Never}}"
	client, err := Open(Options{File: kubeconfig(t, strings.Replace(string(text), "{token: tkn}", helper, 1))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.Read(t.Context()); fault.Of(err) != fault.Denied || !strings.Contains(err.Error(), "no credentials: exec: ") {
		t.Error(err)
	}
}

// Databases come in pages, and of a connection nothing is kept but the name of its
// engine: not in what is returned, not in what client-go logs at any level.
func TestPagesKeepNoSecret(t *testing.T) {
	var log bytes.Buffer
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(flags)
	for _, f := range []string{"-logtostderr=false", "-v=9"} {
		if err := flags.Parse([]string{f}); err != nil {
			t.Fatal(err)
		}
	}
	klog.SetOutput(&log)
	defer func() {
		klog.SetOutput(os.Stderr)
		_ = flags.Parse([]string{"-v=0", "-logtostderr=true"})
	}()
	pages := 0
	file := fakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/databases") {
			answer(w, 200, listOf("PodList"))
			return
		}
		if r.URL.Query().Get("limit") != fmt.Sprint(pageSize) {
			t.Errorf("limit %q", r.URL.Query().Get("limit"))
		}
		at := r.URL.Query().Get("continue")
		l := listOf("DatabaseList", databaseObject("d"+at, fields{"postgres": fields{"uri": fields{"value": secret}, "password": fields{"value": secret}}, secret[:3]: nil}))
		if pages++; pages < 3 {
			l["metadata"] = fields{"continue": at + "x"}
		}
		answer(w, 200, l)
	})
	var events []Event
	client, err := Open(Options{File: file, All: true, Asked: func(e Event) { events = append(events, e) }})
	if err != nil {
		t.Fatal(err)
	}
	read, err := client.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := read.Check(Lock{Folders: folders(), Image: func() (digest.Digest, error) { return "", nil }})
	if err != nil || len(found) != 3 || found[2].Name != "dxx" || found[0].State != Missing {
		t.Errorf("%+v, %v", found, err)
	}
	if len(events) != 4 || events[0].Status != 200 || strings.Contains(events[1].URL, "?") {
		t.Errorf("%+v", events)
	}
	if told := fmt.Sprintf("%+v %+v %+v %s", *read, found, events, log.String()); strings.Contains(told, secret) {
		t.Errorf("the secret is told: %s", told)
	}
}

// kubectl's configuration, wrong in ways that a person can mend.
func TestConfigs(t *testing.T) {
	dir := t.TempDir()
	two := "contexts: [{name: b, context: {cluster: c}}, {name: a, context: {cluster: c}}], clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]"
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"no YAML":            {Options{File: kubeconfig(t, "{")}, "yaml"},
		"no kubeconfig":      {Options{File: kubeconfig(t, "clusters: text")}, "kubeconfig: "},
		"not there":          {Options{File: filepath.Join(dir, "x")}, filepath.Join(dir, "x") + ": "},
		"a folder":           {Options{File: dir}, dir},
		"none":               {Options{Files: []string{filepath.Join(dir, "x")}}, "there is none"},
		"empty":              {Options{File: kubeconfig(t, "")}, "names no current context"},
		"no current context": {Options{File: kubeconfig(t, "{"+two+"}")}, "names no current context"},
		"another context":    {Options{File: kubeconfig(t, "{current-context: a, "+two+"}"), Context: "x"}, `has no context "x"`},
		"it is gone":         {Options{File: kubeconfig(t, "{current-context: x, "+two+"}")}, `has no context "x"`},
		"no cluster":         {Options{File: kubeconfig(t, "{current-context: a, contexts: [{name: a, context: {cluster: x}}]}")}, `the context "a" names the cluster "x", which is not there`},
		"no such CA":         {Options{File: kubeconfig(t, "{current-context: a, contexts: [{name: a, context: {cluster: c}}], clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1', certificate-authority: /no/ca}}]}")}, filepath.FromSlash("/no/ca")},
		"no namespace":       {Options{File: kubeconfig(t, "{current-context: a, "+two+"}"), Namespace: "../x"}, "not the name of a namespace"},
	} {
		_, err := Open(c.o)
		if fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "kubeconfig: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Of several files the first that says something counts.
	first, second := kubeconfig(t, "{current-context: a}"), kubeconfig(t, "{current-context: b, "+two+"}")
	client, err := Open(Options{Files: []string{filepath.Join(dir, "x"), first, second}})
	if err != nil || client.Namespace() != "default" {
		t.Errorf("%v, %v", client, err)
	}
	if got := Contexts(Options{Files: []string{second}}); strings.Join(got, " ") != "a b" {
		t.Error(got)
	}
}

// Without a kubeconfig a pod asks with what its cluster has given it.
func TestAccountOfPod(t *testing.T) {
	var authorization, path string
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization, path = r.Header.Get("Authorization"), r.URL.Path
		answer(w, 200, listOf("DatabaseList"))
	}))
	defer s.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"token": "of-the-pod", "namespace": "team\n",
		"ca.crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	host, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
	client, err := Open(Options{Files: []string{filepath.Join(dir, "none")}, Pod: &Account{Host: host, Port: port, Dir: dir}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Databases(t.Context()); err != nil {
		t.Fatal(err)
	}
	if authorization != "Bearer of-the-pod" || path != "/apis/databases.schemahero.io/v1alpha4/namespaces/team/databases" {
		t.Errorf("%s %s", authorization, path)
	}
	if _, err := Open(Options{Pod: &Account{Dir: filepath.Join(dir, "x")}}); fault.Of(err) != fault.Usage {
		t.Error(err)
	}
}

// What a cluster says of a new pod is a finding, whatever it says; one that is gone is
// an error.
func TestRehearsal(t *testing.T) {
	status := func(code int, name string) fields {
		return fields{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "because", "details": fields{"name": name}}
	}
	cut := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	for name, c := range map[string]struct {
		set, pod http.HandlerFunc
		want     Policy
		text     string
		kind     fault.Kind
	}{
		"RBAC":             {func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, status(403, "")) }, nil, Unknown, "may not create statefulsets.apps in namespace app: because", 0},
		"admission":        {nil, func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, status(403, "main-controller-x")) }, Refuses, "because", 0},
		"no dry runs":      {func(w http.ResponseWriter, _ *http.Request) { answer(w, 400, status(400, "")) }, nil, Refuses, "because", 0},
		"a broken webhook": {nil, func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, status(500, "")) }, Unknown, "answers 500", 0},
		"no answer":        {nil, cut, "", "", fault.Unreachable},
		"no template": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 201, fields{"apiVersion": "apps/v1", "kind": "StatefulSet"})
		}, nil, "", "", fault.Unreachable},
		"another object": {nil, func(w http.ResponseWriter, _ *http.Request) { answer(w, 201, listOf("PodList")) }, "", "", fault.Unreachable},
	} {
		client, err := Open(Options{File: fakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("dryRun") != "All" || r.Method != http.MethodPost {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			handler := map[bool]http.HandlerFunc{true: c.pod, false: c.set}[strings.HasSuffix(r.URL.Path, "/namespaces/app/pods")]
			if handler != nil {
				handler(w, r)
				return
			}
			var sent fields
			if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
				t.Error(err)
			}
			answer(w, 201, sent)
		})})
		if err != nil {
			t.Fatal(err)
		}
		d := Database{Namespace: "app", Name: "main", Engines: []string{"mysql"}}
		cluster := &Cluster{databases: []Database{d}, next: map[[2]string]next{}}
		err = client.Rehearse(t.Context(), cluster)
		if c.want == "" {
			if fault.Of(err) != c.kind {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if got := cluster.next[d.key()]; err != nil || got.policy != c.want || !strings.Contains(got.text, c.text) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
