package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	goruntime "runtime"
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
	k := &Keyring{paths: Paths{AuthFile: auth, DockerConfig: docker, RuntimeAuthFile: runtime}}
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
		if host == "helped.example" && goruntime.GOOS == "windows" {
			continue // the helper is a shell script
		}
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
		k := &Keyring{paths: Paths{DockerConfig: file}}
		_, err := k.lookup(context.Background(), "h.example", "x")
		if e := wantCredentialsError(t, err); e.File != file || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	k := &Keyring{paths: Paths{DockerConfig: filepath.Join(t.TempDir(), "none")}}
	if c, err := k.lookup(context.Background(), "h.example", "x"); err != nil || !c.empty() {
		t.Errorf("no file: %v %v", c, err)
	}
}

// Every place in which docker and podman keep credentials is looked into, by the
// environment that they know.
func TestConventionalPlaces(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(key string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == key {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	at := filepath.FromSlash
	for name, tc := range map[string]struct {
		got, want Paths
	}{
		"nothing set": {Conventional(env(), "/home/a", 1000), Paths{
			DockerConfig: at("/home/a/.docker/config.json"), RuntimeAuthFile: at("/run/containers/1000/auth.json"),
			ConfigAuthFile: at("/home/a/.config/containers/auth.json"), LegacyFile: at("/home/a/.dockercfg"),
		}},
		"all set": {
			Conventional(env("DOCKER_AUTH_CONFIG", "{}", "REGISTRY_AUTH_FILE", "/f", "DOCKER_CONFIG", "/d", "XDG_RUNTIME_DIR", "/r", "XDG_CONFIG_HOME", "/c"), "/home/a", 1000),
			Paths{AuthConfig: "{}", AuthFile: "/f", DockerConfig: at("/d/config.json"), RuntimeAuthFile: at("/r/containers/auth.json"), ConfigAuthFile: at("/c/containers/auth.json"), LegacyFile: at("/home/a/.dockercfg")},
		},
		"no home, no number": {Conventional(env(), "", -1), Paths{}},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %+v", name, tc.got)
		}
	}
	entry := `"h.example":{"auth":"dTpz"}`
	for place, set := range map[string]func(p *Paths, file string){
		"AuthFile":        func(p *Paths, file string) { p.AuthFile = file },
		"DockerConfig":    func(p *Paths, file string) { p.DockerConfig = file },
		"RuntimeAuthFile": func(p *Paths, file string) { p.RuntimeAuthFile = file },
		"ConfigAuthFile":  func(p *Paths, file string) { p.ConfigAuthFile = file },
		"LegacyFile":      func(p *Paths, file string) { p.LegacyFile = file },
	} {
		for _, mark := range []string{"", "\xef\xbb\xbf"} {
			p := Paths{AuthConfig: `{"auths":{"other.example":{"auth":"dTpz"}}}`}
			file := filepath.Join(t.TempDir(), "auth.json")
			text := `{"auths":{` + entry + `}}`
			if place == "LegacyFile" {
				text = `{` + entry + `}`
			}
			write(t, file, []byte(mark+text))
			set(&p, file)
			got, err := (&Keyring{paths: p}).lookup(context.Background(), "h.example", "x")
			if err != nil || got.password != "s" || got.source != file {
				t.Errorf("%s: %+v %v", place, got, err)
			}
		}
	}
	// What the environment holds comes first.
	file := dockerConfig(t, "h.example", "file:1")
	got, err := (&Keyring{paths: Paths{AuthConfig: `{"auths":{` + entry + `}}`, DockerConfig: file}}).lookup(context.Background(), "h.example", "x")
	if err != nil || got.username != "u" || got.source != "DOCKER_AUTH_CONFIG" {
		t.Errorf("%+v %v", got, err)
	}
	_, err = (&Keyring{paths: Paths{AuthConfig: `s3cret`}}).lookup(context.Background(), "h.example", "x")
	if e := wantCredentialsError(t, err); e.File != "DOCKER_AUTH_CONFIG" || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}

func TestCredentialFileInUTF16(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	write(t, file, []byte("\xff\xfe{\x00}\x00"))
	_, err := (&Keyring{paths: Paths{DockerConfig: file}}).lookup(context.Background(), "h.example", "x")
	if e := wantCredentialsError(t, err); !strings.Contains(e.Problem, "UTF-16") {
		t.Errorf("%v", err)
	}
}

// One registry can be spelled in several ways, with one login.
func TestCredentialsOfOneRegistry(t *testing.T) {
	for stored, asked := range map[string]string{
		"h.example":                        "h.example:443",
		"h.example:443":                    "h.example",
		"registry.hub.docker.com":          "docker.io",
		"https://registry-1.docker.io/v2/": "docker.io",
		"https://index.docker.io/v1/":      "registry.hub.docker.com",
		"index.docker.io/team":             "docker.io/team",
		"https://h.example:443/v1/":        "h.example",
	} {
		host, repo, _ := strings.Cut(asked+"/x", "/")
		k := &Keyring{paths: Paths{DockerConfig: dockerConfig(t, stored, "u:s")}}
		if got, err := k.lookup(context.Background(), host, repo); err != nil || got.username != "u" {
			t.Errorf("stored for %s, asked for %s: %+v %v", stored, asked, got, err)
		}
	}
}

func wantCredentialsError(t *testing.T, err error) (e *CredentialsError) {
	t.Helper()
	if !errors.As(err, &e) {
		t.Fatalf("error is %T %v", err, err)
	}
	return e
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// dockerConfig writes a config.json with USER:PASSWORD under a key.
func dockerConfig(t *testing.T, key, userPassword string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	write(t, file, []byte(`{"auths":{"`+key+`":{"auth":"`+base64.StdEncoding.EncodeToString([]byte(userPassword))+`"}}}`))
	return file
}

// What docker does not read is read, and not written.
func TestMarkedFileIsNotChanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	write(t, file, []byte("\xef\xbb\xbf"+`{"auths":{"h.example":{"auth":"dTpz"}}}`))
	k := NewKeyring(Paths{DockerConfig: file})
	_, err := k.Store(context.Background(), "other.example", Login{"u", "s"})
	if e := wantCredentialsError(t, err); !strings.Contains(e.Problem, "byte order mark") {
		t.Error(err)
	}
	_, err = k.Erase(context.Background(), "h.example")
	wantCredentialsError(t, err)
	if got, err := k.lookup(context.Background(), "h.example", ""); err != nil || got.username != "u" {
		t.Errorf("%+v %v", got, err)
	}
}
