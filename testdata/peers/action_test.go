package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAction runs what the GitHub action runs, as a runner would: in a git
// repository of drivers, against a registry that asks for a login.
func TestAction(t *testing.T) {
	reg := startDebian(t, "", access{user: "ann", password: "secret"})
	action, err := filepath.Abs(filepath.Join("..", "..", ".github", "actions", "publish"))
	if err != nil {
		t.Fatal(err)
	}
	source, temp, home := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(source, "plugins", "tiny"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "module example.com/tiny\n\ngo 1.26\n", source, "plugins", "tiny", "go.mod")
	write(t, "package main\n\nvar version string\n\nfunc main() { println(version) }\n", source, "plugins", "tiny", "main.go")
	write(t, "0.4.0\n", source, "plugins", "tiny", "VERSION")
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", source, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	git("add", "-A")
	git("commit", "-qm", "first")

	summary := filepath.Join(temp, "summary")
	run := func(more ...string) result {
		t.Helper()
		env := append(environment(home, goEnvironment(t)...),
			"GITHUB_ACTION_PATH="+action, "RUNNER_TEMP="+temp, "GITHUB_STEP_SUMMARY="+summary,
			"GITHUB_SERVER_URL=https://github.com", "GITHUB_REPOSITORY=acme/drivers",
			"DRIVER=tiny", "DRIVER_VERSION=", "PLATFORMS=linux/amd64 linux/arm64", "TARGET="+reg.addr+"/ci/plugin-{name}",
			"SOURCE=.", "DIST=dist", "BUILD=true", "PUSH=true", "DRY_RUN=false", "SCHEMAHERO=>=0.24",
			"ANNOTATIONS=org.opencontainers.image.licenses=Apache-2.0\n", "USERNAME=ann", "PASSWORD=secret")
		return command(t, source, append(env, more...), "", filepath.Join(action, "run.sh"))
	}
	want := func(r result, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if r.code != 0 || !strings.Contains(r.stdout+r.stderr, text) {
				t.Errorf("exit %d, without %q:\n%s%s", r.code, text, r.stdout, r.stderr)
			}
		}
	}

	// A pull request from a fork has no secrets.
	want(run("DRY_RUN=true", "USERNAME=", "PASSWORD="), "tiny 0.4.0 would be published as", "may not be read without credentials")
	want(run("PUSH=false"), "dist/schemahero-tiny-linux-arm64.tar.gz")
	want(run("BUILD=false"), "tiny 0.4.0 published as "+reg.addr+"/ci/plugin-tiny@sha256:", "tags: 0 0.4 0.4.0 ")

	// A commit that does not change the driver leaves the release as it is.
	write(t, "about\n", source, "README")
	git("add", "-A")
	git("commit", "-qm", "second")
	want(run(), "tiny 0.4.0 is published already, unchanged")
	if text := read(t, summary); !strings.Contains(text, "published as") {
		t.Errorf("the summary is %q", text)
	}

	// One that changes it needs a new version.
	write(t, "package main\n\nvar version string\n\nfunc main() { println(\"tiny\", version) }\n", source, "plugins", "tiny", "main.go")
	git("commit", "-qam", "third")
	if r := run(); r.code != 1 || !strings.Contains(r.stderr, "is published already: ") {
		t.Errorf("other content: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if _, err := os.Stat(filepath.Join(temp, "docker-publish")); !os.IsNotExist(err) {
		t.Errorf("the login is left behind: %v", err)
	}
}
