package sbom_test

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/sbom"
)

// The modules of this very test are those that the Go command names.
func TestModules(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil && runtime.GOOS == "windows" {
		t.Skip("Wine: there is no go")
	}
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	told, err := exec.Command("go", "version", "-m", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(told)) {
		if f := strings.Fields(line); len(f) > 1 && (f[0] == "mod" || f[0] == "dep") {
			want = append(want, f[1])
		}
	}
	var got []string
	for _, c := range sbom.Modules(info) {
		if c.Name != "stdlib" {
			got = append(got, c.Name)
		} else if "go"+c.Version != info.GoVersion {
			t.Errorf("stdlib %s, built with %s", c.Version, info.GoVersion)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A module is told as it was replaced; a folder that stands for one has no version
// of its own. The same executable is the same bytes.
func TestOfExecutable(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: "example.com/Driver", Version: "(devel)"}, Deps: []*debug.Module{
		{Path: "github.com/a/b", Version: "v1.0.0+incompatible"},
		{Path: "github.com/c/d", Version: "v1.2.3", Replace: &debug.Module{Path: "github.com/fork/d", Version: "v1.2.4"}},
		{Path: "github.com/e/f", Version: "v0.1.0", Replace: &debug.Module{Path: "../f"}},
	}}
	var purls []string
	for _, c := range sbom.Modules(info) {
		purls = append(purls, c.PURL)
	}
	want := []string{"pkg:golang/example.com/Driver", "pkg:golang/github.com/a/b@v1.0.0%2Bincompatible", "pkg:golang/github.com/e/f@v0.1.0", "pkg:golang/github.com/fork/d@v1.2.4", "pkg:golang/stdlib@1.26.8"}
	if !slices.Equal(purls, want) {
		t.Errorf("got %q", purls)
	}
	of := sbom.Component{Type: "application", Name: "schemahero-a"}
	one, err := sbom.OfExecutable(of, info).Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := sbom.OfExecutable(of, info).Encode()
	if err != nil || !bytes.Equal(one, again) {
		t.Errorf("two texts of one executable: %v", err)
	}
	read, err := sbom.Read(one)
	if err != nil || len(read) != len(want) {
		t.Errorf("read back: %+v, %v", read, err)
	}
	for _, bad := range []string{"", "[]", "{}", `{"bomFormat":"SPDX"}`, `{"bomFormat":"CycloneDX","components":[` + strings.Repeat("{},", 10_000) + "{}]}"} {
		if _, err := sbom.Read([]byte(bad)); err == nil {
			t.Errorf("%.40q is read", bad)
		}
	}
}

// What is read of a foreign document can be written into another.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"bomFormat":"CycloneDX","components":[{"type":"library","name":"x","version":"1","purl":"pkg:golang/x@1"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := sbom.Read(data)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, c := range list {
			if seen[c.PURL] || !strings.HasPrefix(c.PURL, "pkg:") || c.Components != nil || strings.ContainsAny(c.Name+c.Version+c.PURL, "\n\x00 ") {
				t.Errorf("%+v", c)
			}
			seen[c.PURL] = true
		}
	})
}
