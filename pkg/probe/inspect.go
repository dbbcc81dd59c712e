package probe

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// Info is what an executable's headers say. OS and architectures are in Go's
// words: "linux", "arm64".
type Info struct {
	OS     string   // "" if the file is not an executable that is known here
	Archs  []string // sorted; more than one in a universal Mach-O file
	Loader string   // the program that starts it, such as a libc's loader; "": none needed, or not ELF
	Go     *GoInfo  // nil if the file holds no Go build information
}

// GoInfo is what the Go linker wrote into an executable.
type GoInfo struct {
	Version string            // of Go, such as "go1.26.8"
	Path    string            // main package
	Deps    map[string]string // module path to version, of every module linked in
	Build   *debug.BuildInfo  // all of it
	Cgo     string            // CGO_ENABLED of the build: "1", "0", or "" if it is not said
}

// Serves reports whether the executable is for the platform.
func (i Info) Serves(goos, goarch string) bool {
	return i.OS == goos && slices.Contains(i.Archs, goarch)
}

// Platform is "linux/amd64", "darwin/amd64+arm64", or "unknown".
func (i Info) Platform() string {
	if i.OS == "" {
		return "unknown"
	}
	return i.OS + "/" + strings.Join(i.Archs, "+")
}

// Stub names a linked module that does not work in this executable, because
// it is written in C and the build had no cgo. Such a driver answers the
// handshake and fails at work. "" if there is none.
func (i Info) Stub() string {
	if i.Go == nil || i.Go.Cgo != "0" {
		return ""
	}
	for _, module := range [...]string{"github.com/mattn/go-sqlite3"} {
		if _, linked := i.Go.Deps[module]; linked {
			return module
		}
	}
	return ""
}

// Inspect reads the headers of the executable at path; nothing is run. A file
// of an unknown kind is not an error: its Info has no OS. Neither is one without
// Go build information. Errors are those of reading, and of an executable
// whose headers contradict themselves.
func Inspect(path string) (Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	info, err := inspect(f)
	if err != nil {
		return info, fmt.Errorf("%s: %w", path, err)
	}
	return info, nil
}

// inspect is Inspect on what may be hostile bytes.
func inspect(r io.ReaderAt) (Info, error) {
	magic := make([]byte, 4)
	if n, err := r.ReadAt(magic, 0); err == io.EOF && n < len(magic) {
		return Info{}, nil
	} else if err != nil && err != io.EOF {
		return Info{}, err
	}
	var (
		info Info
		err  error
	)
	switch {
	case string(magic) == elf.ELFMAG:
		info, err = inspectELF(r)
	case string(magic[:2]) == "MZ":
		info, err = inspectPE(r)
	case slices.ContainsFunc(machoMagics(), func(m []byte) bool { return bytes.Equal(m, magic) }):
		info, err = inspectMachO(r)
	default:
		return Info{}, nil
	}
	if err != nil {
		return info, fmt.Errorf("not a whole executable: %w", err)
	}
	info.Go = readGo(r)
	return info, nil
}

func inspectELF(r io.ReaderAt) (Info, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return Info{}, err
	}
	info := Info{OS: elfOS(f.OSABI), Archs: []string{elfArch(f)}}
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
		if err != nil {
			return info, err
		}
		info.Loader = strings.TrimRight(string(name), "\x00")
	}
	return info, nil
}

// elfOS reads the operating system from the header. Linux executables leave
// it at zero, as most others' do not.
func elfOS(abi elf.OSABI) string {
	switch abi {
	case elf.ELFOSABI_NONE, elf.ELFOSABI_LINUX:
		return "linux"
	case elf.ELFOSABI_FREEBSD:
		return "freebsd"
	case elf.ELFOSABI_NETBSD:
		return "netbsd"
	case elf.ELFOSABI_OPENBSD:
		return "openbsd"
	case elf.ELFOSABI_SOLARIS:
		return "solaris"
	}
	return strings.ToLower(strings.TrimPrefix(abi.String(), "ELFOSABI_"))
}

func elfArch(f *elf.File) string {
	little := f.Data == elf.ELFDATA2LSB
	wide := f.Class == elf.ELFCLASS64
	switch f.Machine {
	case elf.EM_X86_64:
		return "amd64"
	case elf.EM_AARCH64:
		return "arm64"
	case elf.EM_386:
		return "386"
	case elf.EM_ARM:
		return "arm"
	case elf.EM_S390:
		return "s390x"
	case elf.EM_LOONGARCH:
		return "loong64"
	case elf.EM_RISCV:
		if wide {
			return "riscv64"
		}
	case elf.EM_PPC64:
		if little {
			return "ppc64le"
		}
		return "ppc64"
	case elf.EM_MIPS:
		name := "mips"
		if wide {
			name = "mips64"
		}
		if little {
			name += "le"
		}
		return name
	}
	return strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_"))
}

func inspectPE(r io.ReaderAt) (Info, error) {
	f, err := pe.NewFile(r)
	if err != nil {
		return Info{}, err
	}
	arch := fmt.Sprintf("machine-%#x", f.Machine)
	switch f.Machine {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		arch = "amd64"
	case pe.IMAGE_FILE_MACHINE_ARM64:
		arch = "arm64"
	case pe.IMAGE_FILE_MACHINE_I386:
		arch = "386"
	}
	return Info{OS: "windows", Archs: []string{arch}}, nil
}

// machoMagics are the first bytes of 32-bit, 64-bit and universal files. The
// last is a Java class file's too, which then has no architecture that parses.
func machoMagics() [][]byte {
	return [][]byte{
		{0xce, 0xfa, 0xed, 0xfe}, {0xcf, 0xfa, 0xed, 0xfe},
		{0xca, 0xfe, 0xba, 0xbe},
	}
}

func inspectMachO(r io.ReaderAt) (Info, error) {
	info := Info{OS: "darwin"}
	fat, err := macho.NewFatFile(r)
	if err == nil {
		for _, a := range fat.Arches {
			info.Archs = append(info.Archs, machoArch(a.Cpu))
		}
		slices.Sort(info.Archs)
		return info, nil
	}
	f, err := macho.NewFile(r)
	if err != nil {
		return Info{}, err
	}
	info.Archs = []string{machoArch(f.Cpu)}
	return info, nil
}

func machoArch(c macho.Cpu) string {
	switch c {
	case macho.CpuAmd64:
		return "amd64"
	case macho.CpuArm64:
		return "arm64"
	case macho.Cpu386:
		return "386"
	case macho.CpuArm:
		return "arm"
	}
	return strings.ToLower(strings.TrimPrefix(c.String(), "Cpu"))
}

// readGo reads Go's build information; nil if there is none.
func readGo(r io.ReaderAt) *GoInfo {
	b, err := buildinfo.Read(r)
	if err != nil {
		return nil
	}
	g := &GoInfo{Version: b.GoVersion, Path: b.Path, Build: b, Deps: make(map[string]string, len(b.Deps))}
	for _, d := range b.Deps {
		// A replaced module keeps its name: what was replaced by a fork of
		// go-sqlite3 needs cgo no less.
		g.Deps[d.Path] = d.Version
	}
	for _, s := range b.Settings {
		if s.Key == "CGO_ENABLED" {
			g.Cgo = s.Value
		}
	}
	return g
}
