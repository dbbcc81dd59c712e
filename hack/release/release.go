package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/semver/v3"
)

// release is what to make.
type release struct {
	version   string // X.Y.Z
	revision  string
	time      time.Time
	platforms []string // OS/ARCH
	url       string   // folder of the archives, without a slash at the end
	out       string
	program   string // "" to build it
}

// archived is one archive, as krew.yaml refers to it.
type archived struct {
	OS, Arch, Program string
	Name, URL, SHA256 string
}

// semantic turns what `git describe` says into a version that krew takes:
// 1.2.3 of v1.2.3, and a prerelease of 0.0.0 if there is no such tag.
func semantic(described string) string {
	if v, err := semver.StrictNewVersion(strings.TrimPrefix(described, "v")); err == nil {
		return v.String()
	}
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-':
			return r
		}
		return '-'
	}, described)
	// One identifier that is not a number, which must not begin with a zero.
	return "0.0.0-dev-" + clean
}

func (r release) write() error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	var all []archived
	for _, platform := range r.platforms {
		a, err := r.archive(platform)
		if err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
		fmt.Println(filepath.Join(r.out, a.Name))
		all = append(all, a)
	}
	manifest := filepath.Join(r.out, "schemahero-plugin.yaml")
	if err := r.render(manifest, all); err != nil {
		return err
	}
	fmt.Println(manifest)
	digest, err := sum(manifest)
	if err != nil {
		return err
	}
	all = append(all, archived{Name: filepath.Base(manifest), SHA256: digest})
	sums := ""
	for _, a := range all {
		sums += a.SHA256 + "  " + a.Name + "\n" // as sha256sum --check reads it
	}
	checksums := filepath.Join(r.out, "checksums.txt")
	fmt.Println(checksums)
	return os.WriteFile(checksums, []byte(sums), 0o644)
}

// archive builds the program for a platform and packs it.
func (r release) archive(platform string) (archived, error) {
	goos, goarch, _ := strings.Cut(platform, "/")
	a := archived{OS: goos, Arch: goarch, Program: program, Name: fmt.Sprintf("%s_%s_%s.tar.gz", program, goos, goarch)}
	if goos == "windows" {
		a.Program += ".exe"
	}
	a.URL = r.url + "/" + a.Name
	work, err := os.MkdirTemp("", "release-")
	if err != nil {
		return a, err
	}
	defer os.RemoveAll(work)
	built := r.program
	if built == "" {
		built = filepath.Join(work, a.Program)
		if err := r.build(goos, goarch, built); err != nil {
			return a, err
		}
	}
	path := filepath.Join(r.out, a.Name)
	if _, err := pack(path, r.time, entry{name: a.Program, path: built, mode: 0o755}, entry{name: "LICENSE", path: "LICENSE", mode: 0o644}); err != nil {
		return a, err
	}
	a.SHA256, err = sum(path)
	return a, err
}

func (r release) build(goos, goarch, to string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+r.version+" -X main.revision="+r.revision, "-o", to, pkg)
	// What the environment says of the target would end up in the bytes.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// render fills in krew.yaml.
func (r release) render(to string, all []archived) error {
	t, err := template.ParseFiles("krew.yaml")
	if err != nil {
		return err
	}
	var b strings.Builder
	data := struct {
		Version  string
		Archives []archived
	}{r.version, all}
	if err := t.Option("missingkey=error").Execute(&b, data); err != nil {
		return err
	}
	// The comment above is about the template.
	_, text, ok := strings.Cut(b.String(), "\napiVersion:")
	if !ok {
		return fmt.Errorf("krew.yaml: has no apiVersion")
	}
	return os.WriteFile(to, []byte("apiVersion:"+text), 0o644)
}

func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
