package artifact

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Platform is an operating system and a processor, in Go's and OCI's spelling:
// linux/amd64, linux/arm/v7. The zero value is not a platform.
type Platform struct {
	OS      string
	Arch    string
	Variant string
}

// PlatformError says why a string is not a platform.
type PlatformError struct {
	Text   string
	Reason string
}

func (e *PlatformError) Error() string    { return fmt.Sprintf("platform %q: %s", e.Text, e.Reason) }
func (e *PlatformError) Kind() fault.Kind { return fault.Usage }

const (
	knownOS   = " aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris wasip1 windows "
	knownArch = " 386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm "
)

func knownWord(words, w string) bool {
	return w != "" && !strings.Contains(w, " ") && strings.Contains(words, " "+w+" ")
}

func knownVariant(arch, v string) bool {
	switch arch {
	case "arm":
		return v == "v5" || v == "v6" || v == "v7"
	case "arm64":
		return v == "v8" || v == "v9"
	case "amd64":
		return v == "v1" || v == "v2" || v == "v3" || v == "v4"
	}
	return false
}

func newPlatform(os, arch, variant string) (Platform, string) {
	switch {
	case !knownWord(knownOS, os):
		return Platform{}, fmt.Sprintf("no operating system %q is known to Go", os)
	case !knownWord(knownArch, arch):
		return Platform{}, fmt.Sprintf("no architecture %q is known to Go", arch)
	case variant != "" && !knownVariant(arch, variant):
		return Platform{}, fmt.Sprintf("%s has no variant %q", arch, variant)
	}
	// arm64/v8 and amd64/v1 are what the plain names mean (OCI image-spec,
	// image-index, "Platform Variants").
	if arch == "arm64" && variant == "v8" || arch == "amd64" && variant == "v1" {
		variant = ""
	}
	return Platform{os, arch, variant}, ""
}

// ParsePlatform reads OS/ARCH or OS/ARCH/VARIANT, each a name that Go knows.
// The error is a *PlatformError.
func ParsePlatform(s string) (Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 || len(parts) == 3 && parts[2] == "" {
		return Platform{}, &PlatformError{s, "write OS/ARCH, like linux/amd64"}
	}
	parts = append(parts, "")
	p, reason := newPlatform(parts[0], parts[1], parts[2])
	if reason != "" {
		return Platform{}, &PlatformError{s, reason}
	}
	return p, nil
}

// ParseMachine is ParsePlatform for what a person types: it also takes the
// kernel's names of processors, x86_64 and aarch64.
func ParseMachine(s string) (Platform, error) {
	r := strings.NewReplacer("/x86_64", "/amd64", "/aarch64", "/arm64")
	return ParsePlatform(r.Replace(s))
}

// CutPlatform splits a trailing -OS-ARCH[-VARIANT] off s.
func CutPlatform(s string) (before string, p Platform, ok bool) {
	parts := strings.Split(s, "-")
	for _, n := range []int{3, 2} { // the variant belongs to the platform if there is one
		if len(parts) <= n {
			continue
		}
		tail := append(parts[len(parts)-n:len(parts):len(parts)], "")
		if n == 3 && tail[2] == "" {
			continue
		}
		if p, reason := newPlatform(tail[0], tail[1], tail[2]); reason == "" {
			return strings.Join(parts[:len(parts)-n], "-"), p, true
		}
	}
	return s, Platform{}, false
}

// String returns OS/ARCH[/VARIANT], or "" for the zero value.
func (p Platform) String() string { return p.join("/") }

// Suffix returns OS-ARCH[-VARIANT], as file names and tags have it.
func (p Platform) Suffix() string { return p.join("-") }

func (p Platform) join(sep string) string {
	if p.IsZero() {
		return ""
	}
	s := p.OS + sep + p.Arch
	if p.Variant != "" {
		s += sep + p.Variant
	}
	return s
}

// IsZero reports whether p is not a platform.
func (p Platform) IsZero() bool { return p == Platform{} }

// Compare orders platforms by OS, architecture and variant.
func (p Platform) Compare(q Platform) int {
	return cmp.Or(cmp.Compare(p.OS, q.OS), cmp.Compare(p.Arch, q.Arch), cmp.Compare(p.Variant, q.Variant))
}

// Executable returns the file name under which the host looks for a driver on
// this platform: schemahero-NAME, with .exe on Windows.
func (p Platform) Executable(name string) string {
	if p.OS == "windows" {
		return "schemahero-" + name + ".exe"
	}
	return "schemahero-" + name
}

// Archive returns the title of the layer that carries a driver for this
// platform: schemahero-NAME-OS-ARCH.tar.gz.
func (p Platform) Archive(name string) string {
	return "schemahero-" + name + "-" + p.Suffix() + ".tar.gz"
}

// JoinPlatforms writes a list of platforms for a sentence: "a, b", or "none".
func JoinPlatforms(list []Platform) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.String()
	}
	return cmp.Or(strings.Join(texts, ", "), "none")
}

// MarshalText implements encoding.TextMarshaler as String does.
func (p Platform) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler as ParsePlatform does.
func (p *Platform) UnmarshalText(text []byte) error {
	q, err := ParsePlatform(string(text))
	if err == nil {
		*p = q
	}
	return err
}
