package artifact_test

import (
	"errors"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestParsePlatform(t *testing.T) {
	for text, want := range map[string]string{
		"linux/amd64":     "linux/amd64",
		"linux/amd64/v1":  "linux/amd64", // what the plain name means
		"linux/amd64/v3":  "linux/amd64/v3",
		"linux/arm64/v8":  "linux/arm64",
		"linux/arm64/v9":  "linux/arm64/v9",
		"linux/arm/v7":    "linux/arm/v7",
		"linux/arm":       "linux/arm",
		"darwin/arm64":    "darwin/arm64",
		"windows/amd64":   "windows/amd64",
		"wasip1/wasm":     "wasip1/wasm",
		"freebsd/riscv64": "freebsd/riscv64",
	} {
		p, err := artifact.ParsePlatform(text)
		if err != nil || p.String() != want {
			t.Errorf("ParsePlatform(%q) = %v, %v", text, p, err)
		}
		var q artifact.Platform
		if err := q.UnmarshalText([]byte(text)); err != nil || q != p {
			t.Errorf("UnmarshalText(%q) = %v, %v", text, q, err)
		}
		if text, err := p.MarshalText(); err != nil || string(text) != want {
			t.Errorf("MarshalText(%v) = %q, %v", p, text, err)
		}
	}
	for _, text := range []string{
		"", "linux", "linux/", "/amd64", "linux/amd64/", "linux/amd64/v9", "linux/arm64/v7", "linux/arm/v8", "linux/s390x/z15",
		"linux/x86_64", "Linux/amd64", "linux/amd64/v1/x", "../amd64", "linux amd64", "unknown/unknown", " / ", "aix android/amd64", "linux/amd64\n",
	} {
		p, err := artifact.ParsePlatform(text)
		var bad *artifact.PlatformError
		if !errors.As(err, &bad) || bad.Text != text || !p.IsZero() {
			t.Errorf("ParsePlatform(%q) = %v, %v", text, p, err)
		}
	}
}

func TestParseMachine(t *testing.T) {
	for text, want := range map[string]string{"linux/x86_64": "linux/amd64", "darwin/aarch64": "darwin/arm64", "linux/arm/v6": "linux/arm/v6"} {
		if p, err := artifact.ParseMachine(text); err != nil || p.String() != want {
			t.Errorf("ParseMachine(%q) = %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"x86_64", "linux/x86", "linux/aarch64_be"} {
		if p, err := artifact.ParseMachine(text); err == nil {
			t.Errorf("ParseMachine(%q) = %v", text, p)
		}
	}
}

func TestCutPlatform(t *testing.T) {
	for text, want := range map[string][2]string{
		"0.0.1-linux-amd64":              {"0.0.1", "linux/amd64"},
		"0.0.1-rc.1-linux-arm-v7":        {"0.0.1-rc.1", "linux/arm/v7"},
		"schemahero-x-linux-arm64-v8":    {"schemahero-x", "linux/arm64"},
		"schemahero-linux-linux-amd64":   {"schemahero-linux", "linux/amd64"},
		"schemahero-linux-arm-linux-arm": {"schemahero-linux-arm", "linux/arm"},
		"linux-amd64":                    {"linux-amd64", ""},
		"0.0.1-linux-arm-v9":             {"0.0.1-linux-arm-v9", ""},
		"0.0.1-linux":                    {"0.0.1-linux", ""},
		"0.0.1-linux-amd64-":             {"0.0.1-linux-amd64-", ""},
		"":                               {"", ""},
	} {
		before, p, ok := artifact.CutPlatform(text)
		if before != want[0] || p.String() != want[1] || ok != (want[1] != "") {
			t.Errorf("CutPlatform(%q) = %q, %v, %v", text, before, p, ok)
		}
	}
}

func TestPlatformNames(t *testing.T) {
	windows := artifact.Platform{OS: "windows", Arch: "arm64"}
	arm := artifact.Platform{OS: "linux", Arch: "arm", Variant: "v7"}
	for got, want := range map[string]string{
		windows.Executable("x"):      "schemahero-x.exe",
		arm.Executable("x"):          "schemahero-x",
		arm.Archive("x"):             "schemahero-x-linux-arm-v7.tar.gz",
		arm.Suffix():                 "linux-arm-v7",
		artifact.Platform{}.Suffix(): "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if arm.Compare(windows) >= 0 || arm.Compare(arm) != 0 || windows.Compare(arm) <= 0 {
		t.Error("linux/arm/v7 comes before windows/arm64")
	}
}
