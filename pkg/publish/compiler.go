package publish

import (
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// MissingCompiler is a platform for which a driver cannot be built here.
type MissingCompiler struct {
	Name     string // of the driver
	Platform artifact.Platform
	Variable string   // that would name a compiler, such as CC_linux_arm64
	Commands []string // looked for on PATH; empty if no compiler is known by name
	Package  string   // Debian's, which holds one; "" if there is none
}

// CompilerError lists the platforms that were not built for want of a C
// compiler.
type CompilerError struct{ Missing []MissingCompiler }

func (e *CompilerError) Error() string {
	lines := make([]string, len(e.Missing))
	for i, m := range e.Missing {
		lines[i] = fmt.Sprintf("%s: needs cgo, and there is no C compiler for %s", m.Name, m.Platform)
		if len(m.Commands) > 0 {
			lines[i] += ": no " + strings.Join(m.Commands, ", ") + " on PATH"
		}
		lines[i] += ", and " + m.Variable + " is not set"
	}
	return strings.Join(lines, "\n")
}

func (e *CompilerError) Kind() fault.Kind { return fault.Failure }

// debian returns the cross compiler for a platform and the package that holds
// it, as Debian calls them.
func debian(p artifact.Platform) (command, pkg string) {
	var triplet string
	switch p.OS + "/" + p.Arch {
	case "linux/386":
		triplet = "i686-linux-gnu"
	case "linux/amd64":
		triplet = "x86_64-linux-gnu"
	case "linux/arm":
		triplet = "arm-linux-gnueabihf"
		if p.Variant == "v5" || p.Variant == "v6" {
			triplet = "arm-linux-gnueabi" // Debian's hard-float port begins with v7
		}
	case "linux/arm64":
		triplet = "aarch64-linux-gnu"
	case "linux/mips64le":
		triplet = "mips64el-linux-gnuabi64"
	case "linux/mipsle":
		triplet = "mipsel-linux-gnu"
	case "linux/ppc64le":
		triplet = "powerpc64le-linux-gnu"
	case "linux/riscv64":
		triplet = "riscv64-linux-gnu"
	case "linux/s390x":
		triplet = "s390x-linux-gnu"
	case "windows/386":
		return "i686-w64-mingw32-gcc", "gcc-mingw-w64-i686"
	case "windows/amd64":
		return "x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"
	default:
		return "", ""
	}
	return triplet + "-gcc", "gcc-" + strings.ReplaceAll(triplet, "_", "-")
}

// compiler finds a C compiler for a platform: CC_GOOS_GOARCH, on this
// machine's own platform CC, then by name. missing is nil where cc is one.
func compiler(name string, p, host artifact.Platform, env []string) (cc string, missing *MissingCompiler) {
	command, pkg := debian(p)
	m := &MissingCompiler{Name: name, Platform: p, Variable: "CC_" + p.OS + "_" + p.Arch, Package: pkg}
	own := p.OS == host.OS && p.Arch == host.Arch
	if own || p.OS == "darwin" && host.OS == "darwin" { // Apple's compiler builds for both processors
		m.Commands, m.Package = []string{"gcc", "cc", "clang"}, "gcc"
		if p.OS == "darwin" {
			m.Commands, m.Package = []string{"clang", "cc"}, ""
		}
	}
	if command != "" {
		m.Commands = append(m.Commands, command)
	}
	if cc := system.Getenv(env, m.Variable); cc != "" {
		return cc, nil
	}
	if own {
		if cc := system.Getenv(env, "CC"); cc != "" {
			return cc, nil
		}
	}
	for _, c := range m.Commands {
		if path := lookPath(env, c); path != "" {
			return c, nil
		}
	}
	return "", m
}
