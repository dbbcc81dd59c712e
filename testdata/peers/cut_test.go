package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestCutPush kills a push at each of its requests, before the registry sees
// it and after. No tag may then point at what is not there, and the same push
// must heal it.
func TestCutPush(t *testing.T) {
	reg := startDebian(t, "", access{})
	source := t.TempDir()
	write(t, "module example.com/small\n\ngo 1.26\n", source, "go.mod")
	write(t, "package main\n\nfunc main() {}\n", source, "main.go")
	args := []string{"push", "small", "1.2.3"}
	for _, arch := range []string{"amd64", "arm64"} {
		file := filepath.Join(source, arch)
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, ".")
		cmd.Dir, cmd.Env = source, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		args = append(args, "--platform", "linux/"+arch+"="+file)
	}
	all := []string{"1", "1.2", "1.2.3", "1.2.3-linux-amd64", "1.2.3-linux-arm64", "latest"}
	cuts := 0
	for _, after := range []bool{false, true} {
		for n := int64(1); ; n++ {
			namespace := fmt.Sprintf("cut-%v-%d", after, n)
			whole := cutPush(t, reg, n, after, args, namespace)
			sound(t, reg, namespace+"/small")
			if whole {
				complete(t, reg, namespace+"/small", all)
				break
			}
			cuts++
			if n%5 == 0 { // one in five, for the time it takes
				newAuthor(t, reg).ok(append(args, "--registry", reg.addr+"/"+namespace)...)
				sound(t, reg, namespace+"/small")
				complete(t, reg, namespace+"/small", all)
			}
		}
	}
	if cuts < 40 {
		t.Errorf("only %d cuts: a push of two platforms has more requests", cuts)
	}
	t.Logf("%d cuts", cuts)
}

// complete fails the test where a release lacks a tag, or one of its two platforms the
// list of what refers to it, its SBOM.
func complete(t *testing.T, reg *registry, repository string, want []string) {
	t.Helper()
	var tags []string
	lists := 0
	for _, tag := range tagsOf(t, reg, repository) {
		if strings.HasPrefix(tag, "sha256-") {
			lists++
		} else {
			tags = append(tags, tag)
		}
	}
	if !slices.Equal(tags, want) || lists < 2 { // more where what was cut had another time
		t.Errorf("tags %v, want %v; %d lists of referrers, want 2 or more", tags, want, lists)
	}
}

// cutPush runs a push that is killed at its nth request. It reports whether the
// push ended before that.
func cutPush(t *testing.T, reg *registry, n int64, after bool, args []string, namespace string) (whole bool) {
	t.Helper()
	target, err := url.Parse(reg.url())
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // the registry's redirects lead back here
	}, ErrorLog: log.New(io.Discard, "", 0)}
	var seen atomic.Int64
	reached, killed := make(chan struct{}), make(chan struct{})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// What reached the proxy reaches the registry to its end, and closing the
		// proxy waits for that: a registry that is still writing a tag lists the
		// tag before it can serve it.
		ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context())) // without a Done, ReverseProxy watches the connection itself
		defer cancel()
		r = r.WithContext(ctx)
		switch i := seen.Add(1); {
		case i > n: // sent meanwhile; the process is about to die
			<-killed
			panic(http.ErrAbortHandler)
		case i == n:
			if after {
				// What the registry answers does not reach the process.
				forward.ServeHTTP(httptest.NewRecorder(), r)
			}
			close(reached)
			<-killed
			panic(http.ErrAbortHandler)
		}
		forward.ServeHTTP(w, r)
	}))
	defer proxy.Close()

	cmd := exec.Command(suite.plugin, append(args, "--registry", strings.TrimPrefix(proxy.URL, "http://")+"/"+namespace)...)
	cmd.Env, cmd.Dir = environment(t.TempDir()), t.TempDir()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer close(killed)
	select {
	case <-reached:
		endGroup(cmd)
		<-ended
		return false
	case err := <-ended:
		if err != nil {
			t.Fatalf("push: %v\n%s", err, stderr.String())
		}
		return true
	}
}

// sound fails the test where a tag of the repository points, over however many
// manifests, at something that the registry does not have.
func sound(t *testing.T, reg *registry, repository string) {
	t.Helper()
	for _, tag := range tagsOf(t, reg, repository) {
		soundManifest(t, reg, repository, tag)
	}
}

func soundManifest(t *testing.T, reg *registry, repository, reference string) {
	t.Helper()
	var m struct {
		Manifests []struct{ Digest string }
		Config    struct{ Digest string }
		Layers    []struct{ Digest string }
	}
	status, data := get(t, reg, "GET", repository+"/manifests/"+reference)
	if status != http.StatusOK || json.Unmarshal(data, &m) != nil {
		t.Errorf("%s:%s: status %d", repository, reference, status)
		return
	}
	for _, c := range m.Manifests {
		soundManifest(t, reg, repository, c.Digest)
	}
	if m.Config.Digest != "" {
		m.Layers = append(m.Layers, m.Config)
	}
	for _, l := range m.Layers {
		if status, _ := get(t, reg, "HEAD", repository+"/blobs/"+l.Digest); status != http.StatusOK {
			t.Errorf("%s:%s: blob %s: status %d", repository, reference, l.Digest, status)
		}
	}
}

// tagsOf gives a repository's tags, sorted; none if there is no repository.
func tagsOf(t *testing.T, reg *registry, repository string) []string {
	t.Helper()
	status, data := get(t, reg, "GET", repository+"/tags/list")
	if status == http.StatusNotFound {
		return nil
	}
	var list struct{ Tags []string }
	if err := json.Unmarshal(data, &list); err != nil || status != http.StatusOK {
		t.Fatalf("%s: status %d, %v", repository, status, err)
	}
	slices.Sort(list.Tags)
	return list.Tags
}

// get asks the registry, again where it answers with a fault of its own: it
// can still be at work on what the killed process sent, and its files are not
// written at once.
func get(t *testing.T, reg *registry, method, path string) (int, []byte) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	late := time.After(10 * time.Second)
	for {
		status, data := getOnce(t, reg, method, path)
		if status < 500 {
			return status, data
		}
		select {
		case <-again.C:
		case <-late:
			return status, data
		}
	}
}

func getOnce(t *testing.T, reg *registry, method, path string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, reg.url()+"/v2/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json")
	response, err := reg.client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, data
}
