package registry

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCredentialFiles(t *testing.T) {
	dir := t.TempDir()
	auth := filepath.Join(dir, "auth.json")
	docker := filepath.Join(dir, "config.json")
	runtime := filepath.Join(dir, "runtime.json")
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	write(t, auth, []byte(`{"auths":{"first.example":{"auth":"`+b64("a:1")+`"},"quay.example/team":{"auth":"`+b64("team:1")+`"},"quay.example/team/db":{"auth":"`+b64("db:1")+`"}}}`))
	write(t, docker, []byte(`{"credHelpers":{"helped.example":"test-registry"},"auths":{"first.example":{"auth":"`+b64("docker:2")+`"},
		"https://index.docker.io/v1/":{"auth":"`+b64("hub:2")+`"},"https://old.example/v1/":{"username":"old","password":"2"},"quay.example":{"auth":"`+b64("quay:2:3")+`"},
		"empty.example":{}, "idp.example":{"identitytoken":"id"}, "port.example:5000":{"auth":"`+b64("port:2")+`"}}}`))
	write(t, runtime, []byte(`{"auths":{"first.example":{"auth":"`+b64("c:3")+`"},"last.example":{"auth":"`+b64("last:3")+`"},"empty.example":{"auth":"`+b64("full:3")+`"}}}`))
	bin := t.TempDir()
	write(t, filepath.Join(bin, "docker-credential-test-registry"), []byte("#!/bin/sh\nread server\nif [ \"$server\" = helped.example ]; then echo '{\"ServerURL\":\"helped.example\",\"Username\":\"<token>\",\"Secret\":\"from-helper\"}'; else echo 'credentials not found in native keychain'; exit 1; fi\n"))
	if err := os.Chmod(filepath.Join(bin, "docker-credential-test-registry"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	k := &keyring{paths: CredentialPaths{AuthFile: auth, DockerConfig: docker, RuntimeAuthFile: runtime}}
	for name, want := range map[string]string{
		"first.example/x":                "a/1//",
		"quay.example/team/db/postgres":  "db/1//",
		"quay.example/team/mysql":        "team/1//",
		"quay.example/teamwork/x":        "quay/2:3//",
		"docker.io/schemahero/x":         "hub/2//",
		"registry-1.docker.io/x":         "hub/2//",
		"old.example/x":                  "old/2//",
		"last.example/x":                 "last/3//",
		"empty.example/x":                "full/3//",
		"idp.example/x":                  "//id/",
		"helped.example/x":               "//from-helper/",
		"port.example:5000/x":            "port/2//",
		"port.example/x":                 "///",
		"unknown.example/x":              "///",
		"first.example.evil.example/x":   "///",
		"quay.example.evil.example/team": "///",
	} {
		host, repo, _ := strings.Cut(name, "/")
		got, err := k.lookup(context.Background(), host, repo)
		if text := got.username + "/" + got.password + "/" + got.identity + "/" + got.token; err != nil || text != want {
			t.Errorf("%s: %s %v, want %s", name, text, err, want)
		}
	}
}

func TestBadCredentialFiles(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":        `{"auths": s3cret`,
		"no base64":      `{"auths":{"h.example":{"auth":"s3cret!"}}}`,
		"no colon":       `{"auths":{"h.example":{"auth":"czNjcmV0"}}}`,
		"of wrong types": `{"auths":["s3cret"]}`,
	} {
		file := filepath.Join(t.TempDir(), "config.json")
		write(t, file, []byte(text))
		k := &keyring{paths: CredentialPaths{DockerConfig: file}}
		_, err := k.lookup(context.Background(), "h.example", "x")
		if e := wantError[*CredentialsError](t, err); e.File != file || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	k := &keyring{paths: CredentialPaths{DockerConfig: filepath.Join(t.TempDir(), "none")}}
	if c, err := k.lookup(context.Background(), "h.example", "x"); err != nil || !c.empty() {
		t.Errorf("no file: %v %v", c, err)
	}
}

// A helper that is not there stands in the way of nothing public, and is named
// where the registry then refuses.
func TestHelperFails(t *testing.T) {
	r, s := newRig(t), newTokens(t)
	r.manifest(t, "public/x", "one", "1.0.0")
	s.guard(r)
	file := filepath.Join(t.TempDir(), "config.json")
	write(t, file, []byte(`{"credsStore":"nowhere-to-be-found"}`))
	var told events
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}, Events: told.add})
	if _, err := repository(t, c, r.host()+"/public/x").Resolve(context.Background(), "1.0.0"); err != nil {
		t.Error(err)
	}
	if len(told.of(EventWarning)) == 0 {
		t.Error("nobody was told")
	}
	_, err := repository(t, c, r.host()+"/private/x").Resolve(context.Background(), "1.0.0")
	if e := wantError[*AuthError](t, err); e.Cause != AuthMissing || !strings.Contains(err.Error(), "docker-credential-nowhere-to-be-found") {
		t.Errorf("error: %v", err)
	}
}
