package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPackDependsOnNothingElse(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	make := func(mode os.FileMode, touched time.Time) []byte {
		dir := t.TempDir()
		file := filepath.Join(dir, "some-name")
		if err := os.WriteFile(file, []byte("program"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, touched, touched); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "a.tar.gz")
		if _, err := pack(to, at, entry{name: "program", path: file, mode: 0o755}, entry{name: "LICENSE", path: file, mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	one := make(0o600, time.Unix(1, 0))
	if two := make(0o777, time.Unix(2, 0)); !bytes.Equal(one, two) {
		t.Error("mode and time of the file on disk are in the archive")
	}
	z, err := gzip.NewReader(bytes.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	if z.Name != "" || !z.ModTime.IsZero() {
		t.Errorf("gzip header: name %q, time %s", z.Name, z.ModTime)
	}
	var got []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(at) || h.Uid != 0 || h.Gid != 0 || h.Uname != "root" {
			t.Errorf("%s: %s %d %d %s", h.Name, h.ModTime, h.Uid, h.Gid, h.Uname)
		}
		got = append(got, h.FileInfo().Mode().String()+" "+h.Name)
	}
	if s := strings.Join(got, ", "); s != "-rwxr-xr-x program, -rw-r--r-- LICENSE" {
		t.Error(s)
	}
}

func TestSemantic(t *testing.T) {
	for described, want := range map[string]string{
		"v1.2.3":               "1.2.3",
		"1.2.3":                "1.2.3",
		"v1.2.3-rc.1":          "1.2.3-rc.1",
		"dev":                  "0.0.0-dev-dev",
		"0123456":              "0.0.0-dev-0123456",
		"8f1fb8c-dirty":        "0.0.0-dev-8f1fb8c-dirty",
		"v1.2.3-4-g8f1fb8c":    "1.2.3-4-g8f1fb8c", // sorts below 1.2.3, which is on the safe side
		"v1.2":                 "0.0.0-dev-v1-2",
		"nightly/2026_11_23+x": "0.0.0-dev-nightly-2026-11-23-x",
	} {
		if got := semantic(described); got != want {
			t.Errorf("%s: %s, want %s", described, got, want)
		}
	}
}

func TestRender(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	to := filepath.Join(t.TempDir(), "schemahero-plugin.yaml")
	r := release{version: "1.2.3"}
	if err := r.render(to, []archived{{"windows", "arm64", "x.exe", "x_windows_arm64.tar.gz", "https://example.com/x_windows_arm64.tar.gz", "abc"}}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  version: v1.2.3\n",
		"          os: windows\n          arch: arm64\n      uri: https://example.com/x_windows_arm64.tar.gz\n      sha256: abc\n      bin: x.exe\n",
		"        - from: x.exe\n          to: .\n        - from: LICENSE\n          to: .\n",
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("lacks\n%s\nin\n%s", want, data)
		}
	}
	if strings.Contains(string(data), "{{") || strings.HasPrefix(string(data), "#") {
		t.Errorf("is still a template:\n%s", data)
	}
}
