package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// publisher pushes releases with the commands that authors use today: tar,
// sha256sum and the oras CLI.
type publisher struct {
	t    *testing.T
	oras string
	reg  *registry
	home string
}

func newPublisher(t *testing.T, reg *registry) *publisher {
	t.Helper()
	return &publisher{t: t, oras: orasCLI.built(t), reg: reg, home: t.TempDir()}
}

// run runs the oras CLI in dir and gives its standard output.
func (p *publisher) run(dir string, args ...string) string {
	p.t.Helper()
	r := command(p.t, dir, environment(p.home), "", p.oras, args...)
	if r.code != 0 {
		p.t.Fatalf("oras %s: exit %d: %s", strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// namespace is what a manifest gives as its registry.
func (p *publisher) namespace() string { return p.reg.addr + "/schemahero/plugins" }

// publish pushes a release of the test driver in one of the layouts "index",
// "files" and "tags", and moves the floating tags to it.
func (p *publisher) publish(layout, name, version string) {
	p.t.Helper()
	dir := p.t.TempDir()
	repo := p.namespace() + "/" + name
	notes := []string{
		"--annotation", "org.opencontainers.image.title=schemahero-" + name,
		"--annotation", "org.opencontainers.image.version=" + version,
	}
	var files, perPlatform []string
	for _, platform := range platforms {
		base := p.archive(dir, name, version, platform)
		pair := []string{base + ".tar.gz:application/gzip", base + ".tar.gz.sha256:text/plain"}
		files = append(files, pair...)
		if layout == "files" {
			continue
		}
		tag := version + "-" + strings.ReplaceAll(platform, "/", "-")
		perPlatform = append(perPlatform, tag)
		args := []string{"push", "--plain-http", repo + ":" + tag, "--artifact-type", "application/vnd.schemahero.plugin.v1+tar"}
		args = append(append(args, pair...), notes...)
		if layout == "index" {
			args = append(args, "--artifact-platform", platform)
		} else {
			args = append(args, "--annotation", "org.opencontainers.image.platform="+platform)
		}
		p.run(dir, args...)
	}
	switch layout {
	case "index":
		args := append([]string{"manifest", "index", "create", "--plain-http", repo + ":" + version}, perPlatform...)
		p.run(dir, append(args, notes...)...)
	case "tags":
		p.run(dir, "tag", "--plain-http", repo+":"+perPlatform[0], version)
	case "files":
		write(p.t, `{"plugin": "`+name+`", "version": "`+version+`"}`, dir, "artifacts.json")
		args := append([]string{"push", "--plain-http", repo + ":" + version, "--artifact-type", "application/vnd.schemahero.plugin.v1.multi+tar"}, files...)
		p.run(dir, append(append(args, "artifacts.json:application/json"), notes...)...)
	default:
		p.t.Fatalf("layout %s is unknown", layout)
	}
	parts := strings.SplitN(version, ".", 3)
	p.run(dir, "tag", "--plain-http", repo+":"+version, "latest", parts[0], parts[0]+"."+parts[1])
}

// archive packs the driver for a platform, with its checksum beside it, and
// gives the file's name without ".tar.gz".
func (p *publisher) archive(dir, name, version, platform string) string {
	p.t.Helper()
	base := "schemahero-" + name + "-" + strings.ReplaceAll(platform, "/", "-")
	if err := os.Link(driver(p.t, name, version, platform), filepath.Join(dir, base)); err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `tar -czf "$1.tar.gz" "$1" && sha256sum "$1.tar.gz" >"$1.tar.gz.sha256"`, "sh", base)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return base
}
