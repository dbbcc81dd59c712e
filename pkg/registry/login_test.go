package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// locked makes a rig ask for user u and password s3cret.
func locked(r *registrytest.Registry) {
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("Date", "Mon, 23 Nov 2026 12:00:30 GMT")
		if user, password, _ := req.BasicAuth(); user != "u" || password != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		}
		return false
	})
}

func TestLogin(t *testing.T) {
	r := registrytest.New(t)
	locked(r)
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "docker", "config.json")
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})

	_, err := c.Login(ctx, r.Host(), "u", "wr0ng")
	if e := wantError[*AuthError](t, err); e.Cause != AuthWrong || strings.Contains(e.Error(), "wr0ng") {
		t.Errorf("refused: %#v", e)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("refused credentials were stored")
	}
	if _, err := c.Ping(ctx, r.Host()); err == nil {
		t.Error("ping without credentials goes through")
	}
	stored, err := c.Login(ctx, r.Host(), "u", "s3cret")
	if err != nil || stored.File != file || stored.Helper != "" {
		t.Fatalf("%+v %v", stored, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Auths map[string]struct{ Auth string }
	}
	// base64 of u:s3cret, as docker and oras write it.
	if json.Unmarshal(data, &config) != nil || config.Auths[r.Host()].Auth != "dTpzM2NyZXQ=" {
		t.Errorf("stored: %s", data)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v", info.Mode())
	}
	// The client that logged in uses it from now on.
	pong, err := c.Ping(ctx, r.Host())
	if err != nil || pong.Username != "u" || pong.Challenge != "basic" || !pong.Date.Equal(time.Date(2026, 11, 23, 12, 0, 30, 0, time.UTC)) {
		t.Errorf("ping: %+v %v", pong, err)
	}
	files, err := c.Logout(ctx, r.Host())
	if err != nil || !slices.Equal(files, []string{file}) {
		t.Errorf("logout: %v %v", files, err)
	}
	if data, _ := os.ReadFile(file); strings.Contains(string(data), "dTpzM2NyZXQ") {
		t.Errorf("left: %s", data)
	}
	if files, err := c.Logout(ctx, r.Host()); err != nil || len(files) != 0 {
		t.Errorf("second logout: %v %v", files, err)
	}
	if _, err := c.Ping(ctx, r.Host()); err == nil {
		t.Error("ping goes through after logout")
	}
}

// What else is in the file stays, and a link to it stays a link.
func TestLoginKeepsTheRest(t *testing.T) {
	r := registrytest.New(t)
	locked(r)
	dir := t.TempDir()
	real, link := filepath.Join(dir, "dotfiles.json"), filepath.Join(dir, "config.json")
	write(t, real, []byte(`{"HttpHeaders":{"X":"y"},"auths":{"other.example":{"auth":"YTpi"},"https://index.docker.io/v1/":{"auth":"YTpi"}},"currentContext":"z"}`))
	if err := os.Symlink(real, link); err != nil {
		t.Skip(err)
	}
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: link}})
	if _, err := c.Login(context.Background(), r.Host(), "u", "s3cret"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	check := func(want ...string) {
		t.Helper()
		var config struct {
			HttpHeaders    map[string]string
			CurrentContext string
			Auths          map[string]any
		}
		data, _ := os.ReadFile(real)
		if err := json.Unmarshal(data, &config); err != nil || config.HttpHeaders["X"] != "y" || config.CurrentContext != "z" {
			t.Errorf("now: %s", data)
		}
		var keys []string
		for key := range config.Auths {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		slices.Sort(want)
		if !slices.Equal(keys, want) {
			t.Errorf("entries %v, want %v", keys, want)
		}
	}
	check("other.example", "https://index.docker.io/v1/", r.Host())
	if _, err := c.Logout(context.Background(), "docker.io"); err != nil {
		t.Fatal(err)
	}
	check("other.example", r.Host())
}

func TestLoginToken(t *testing.T) {
	r, s := registrytest.New(t), newTokens(t)
	r.SetFault(s.guard)
	file := filepath.Join(t.TempDir(), "config.json")
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
	ctx := context.Background()
	for _, secret := range []string{"wr0ng", ""} {
		_, err := c.Login(ctx, r.Host(), "u", secret)
		if e := wantError[*AuthError](t, err); e.Cause != AuthWrong {
			t.Errorf("%q: %#v", secret, e)
		}
		_, err = c.Login(ctx, r.Host(), "", "wr0ng")
		if e := wantError[*AuthError](t, err); e.Cause != AuthWrong {
			t.Errorf("identity: %#v", e)
		}
	}
	for _, login := range [][2]string{{"u", "s3cret"}, {"", "id3ntity"}} {
		if _, err := c.Login(ctx, r.Host(), login[0], login[1]); err != nil {
			t.Fatal(err)
		}
		pong, err := c.Ping(ctx, r.Host())
		if data, _ := os.ReadFile(file); err != nil || pong.Username != login[0] || strings.Contains(string(data), "identitytoken") != (login[0] == "") {
			t.Errorf("stored %s: %+v %v", data, pong, err)
		}
	}
}

// Some registries refuse the token without a scope that they gave, and ask for
// Basic then.
func TestLoginTurnsToBasic(t *testing.T) {
	r := registrytest.New(t)
	r.Manifest(t, "db/x", "one", "1.0.0")
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		user, password, _ := req.BasicAuth()
		login, bears := user == "u" && password == "s3cret", req.Header.Get("Authorization")
		switch {
		case req.URL.Path == "/token" && !login:
			return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		case req.URL.Path == "/token":
			fmt.Fprintf(w, `{"token":"for %s"}`, req.URL.Query().Get("scope"))
			return true
		case req.URL.Path == "/v2/" && login, bears == "Bearer for repository:db/x:pull":
			return false
		case strings.HasPrefix(bears, "Bearer "):
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host()+`/token"`)
		}
		return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
	})
	file := filepath.Join(t.TempDir(), "config.json")
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
	ctx := context.Background()
	if _, err := c.Login(ctx, r.Host(), "u", "wr0ng"); !errors.As(err, new(*AuthError)) {
		t.Errorf("wrong: %v", err)
	}
	if _, err := c.Login(ctx, r.Host(), "u", "s3cret"); err != nil {
		t.Fatal(err)
	}
	// What the registry as a whole asks for says nothing of a repository.
	for range 2 {
		if pong, err := c.Ping(ctx, r.Host()); err != nil || pong.Username != "u" {
			t.Errorf("ping: %+v %v", pong, err)
		}
		if _, err := repository(t, c, r.Host()+"/db/x").Resolve(ctx, "1.0.0"); err != nil {
			t.Error(err)
		}
	}
}

func TestPingWhatIsNoRegistry(t *testing.T) {
	r := registrytest.New(t)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool { http.NotFound(w, req); return true })
	c, _ := newClient(t, Options{})
	_, err := c.Ping(context.Background(), r.Host())
	if e := wantError[*StatusError](t, err); e.Status != http.StatusNotFound || !strings.HasPrefix(e.Error(), r.Host()+": ") {
		t.Errorf("error: %v", e)
	}
	for _, host := range []string{"", "h/x", "https://h", "h h"} {
		_, err := c.Ping(context.Background(), host)
		wantError[*ReferenceError](t, err)
	}
	_, err = c.Login(context.Background(), r.Host(), "a", "b")
	wantError[*CredentialsError](t, err) // nowhere to store it
}

func TestLayoutsAreNotWrittenTo(t *testing.T) {
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Target("oci-layout:vendor/plugins/postgres"); err == nil || err.Error() != "oci-layout:vendor/plugins/postgres: is read-only" {
		t.Errorf("error: %v", err)
	}
}
