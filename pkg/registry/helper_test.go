package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// install puts a credential helper, a shell script, on PATH.
func install(t *testing.T, name, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("test: its credential helper is a shell script")
	}
	bin := t.TempDir()
	file := filepath.Join(bin, "docker-credential-"+name)
	write(t, file, []byte("#!/bin/sh\n"+script+"\n"))
	if err := os.Chmod(file, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestLoginHelper(t *testing.T) {
	r := registrytest.New(t)
	locked(r)
	vault := filepath.Join(t.TempDir(), "vault")
	install(t, "test-vault", "case $1 in\nstore) cat >"+vault+" ;;\nget) read server; [ -f "+vault+" ] && cat "+vault+" || { echo 'credentials not found in native keychain'; exit 1; } ;;\nerase) rm "+vault+" ;;\nesac")
	file := filepath.Join(t.TempDir(), "config.json")
	write(t, file, []byte(`{"credsStore":"test-vault"}`))
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
	ctx := context.Background()
	stored, err := c.Login(ctx, r.Host(), "u", "s3cret")
	if err != nil || stored.Helper != "docker-credential-test-vault" {
		t.Fatalf("%+v %v", stored, err)
	}
	if data, _ := os.ReadFile(file); strings.Contains(string(data), "dTpz") {
		t.Errorf("in the file too: %s", data)
	}
	if pong, err := c.Ping(ctx, r.Host()); err != nil || pong.Username != "u" {
		t.Errorf("ping: %+v %v", pong, err)
	}
	if files, err := c.Logout(ctx, r.Host()); err != nil || len(files) != 1 {
		t.Errorf("logout: %v %v", files, err)
	}
	if _, err := os.Stat(vault); err == nil {
		t.Error("the helper still has it")
	}
	if files, err := c.Logout(ctx, r.Host()); err != nil || len(files) != 0 {
		t.Errorf("second logout: %v %v", files, err)
	}
}

// Whichever name of Docker Hub a helper is configured for and a login is made
// to, the helper keeps the password, and finds it and forgets it again.
func TestLoginHelperOfDockerHub(t *testing.T) {
	r := registrytest.New(t)
	locked(r)
	vault := t.TempDir()
	install(t, "test-hub", `
		if [ "$1" = store ]; then cat > `+vault+`/new; read line < `+vault+`/new
			server=${line#*ServerURL\":\"}; server=${server%%\"*}
			mv `+vault+`/new `+vault+`/$(echo "$server" | tr /: __); exit; fi
		read server; file=`+vault+`/$(echo "$server" | tr /: __)
		[ -f $file ] || { echo credentials not found in native keychain; exit 1; }
		case $1 in get) cat $file ;; erase) rm $file ;; esac`)
	proxy, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"docker.io", "index.docker.io", "registry-1.docker.io"}
	ctx := context.Background()
	for _, key := range append(names, "https://index.docker.io/v1/") {
		for _, host := range names {
			file := filepath.Join(t.TempDir(), "config.json")
			write(t, file, []byte(`{"credHelpers":{"`+key+`":"test-hub"}}`))
			c, _ := newClient(t, Options{
				Credentials: CredentialPaths{DockerConfig: file}, PlainHTTP: true,
				Proxy: func(*http.Request) (*url.URL, error) { return proxy, nil },
			})
			stored, err := c.Login(ctx, host, "u", "s3cret")
			if err != nil || stored.Helper != "docker-credential-test-hub" || stored.Unchecked {
				t.Errorf("%s for %s: %+v %v", host, key, stored, err)
			}
			if data, _ := os.ReadFile(file); strings.Contains(string(data), "auths") {
				t.Errorf("%s for %s: written in plain text: %s", host, key, data)
			}
			for _, name := range names {
				if pong, err := c.Ping(ctx, name); err != nil || pong.Username != "u" {
					t.Errorf("%s for %s: ping %s: %+v %v", host, key, name, pong, err)
				}
			}
			if files, err := c.Logout(ctx, host); err != nil || len(files) != 1 {
				t.Errorf("%s for %s: logout: %v %v", host, key, files, err)
			}
			if left, _ := os.ReadDir(vault); len(left) != 0 {
				t.Errorf("%s for %s: the helper still has %v", host, key, left)
			}
		}
	}
}

// What a helper says when it fails can be the secret itself.
func TestHelperTellsNoSecret(t *testing.T) {
	r := registrytest.New(t)
	locked(r)
	file := filepath.Join(t.TempDir(), "config.json")
	write(t, file, []byte(`{"credsStore":"test-talks"}`))
	for script, want := range map[string]string{
		`echo '{"Username":"u","Secret":"s3cret"}'; echo s3cret >&2; exit 1`: "exits with status 1",
		`echo '{s3cret'`: "prints no credentials",
		`kill -9 $$`:     "signal: killed",
		`echo 'no credentials server URL'; exit 1`: "no credentials server URL",
	} {
		install(t, "test-talks", script)
		c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
		_, err := c.Ping(context.Background(), r.Host())
		if wantError[*AuthError](t, err); !strings.Contains(err.Error(), "docker-credential-test-talks: "+want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", script, err)
		}
	}
}

// A helper that never ends is ended with the context, and so is what it has
// started; the refusal of the registry is not what is told then.
func TestHelperIsEnded(t *testing.T) {
	r := registrytest.New(t)
	locked(r)
	install(t, "test-sleeps", "sleep 30")
	file := filepath.Join(t.TempDir(), "config.json")
	write(t, file, []byte(`{"credsStore":"test-sleeps"}`))
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := c.Ping(ctx, r.Host()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error: %v", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// A program that a helper leaves running, as an agent is, holds nobody up.
func TestHelperLeavesAnAgent(t *testing.T) {
	r := registrytest.New(t)
	locked(r)
	install(t, "test-agent", `sleep 30 & echo '{"Username":"u","Secret":"s3cret"}'`)
	file := filepath.Join(t.TempDir(), "config.json")
	write(t, file, []byte(`{"credsStore":"test-agent"}`))
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
	start := time.Now()
	if pong, err := c.Ping(context.Background(), r.Host()); err != nil || pong.Username != "u" {
		t.Errorf("ping: %+v %v", pong, err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// A helper that is not there stands in the way of nothing public, and is named
// if the registry then refuses.
func TestHelperFails(t *testing.T) {
	r, s := registrytest.New(t), newTokens(t)
	r.Manifest(t, "public/x", "one", "1.0.0")
	r.SetFault(s.guard)
	file := filepath.Join(t.TempDir(), "config.json")
	write(t, file, []byte(`{"credsStore":"nowhere-to-be-found"}`))
	var told events
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}, Events: told.add})
	if _, err := repository(t, c, r.Host()+"/public/x").Resolve(context.Background(), "1.0.0"); err != nil {
		t.Error(err)
	}
	if len(told.of(EventWarning)) == 0 {
		t.Error("nobody was told")
	}
	_, err := repository(t, c, r.Host()+"/private/x").Resolve(context.Background(), "1.0.0")
	if e := wantError[*AuthError](t, err); e.Cause != AuthMissing || !strings.Contains(err.Error(), "docker-credential-nowhere-to-be-found") {
		t.Errorf("error: %v", err)
	}
}
