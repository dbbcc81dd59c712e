package probe

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// elfFile is the smallest executable that has headers: for Linux on goarch,
// and with a loader if one is named.
func elfFile(goarch, loader string) []byte {
	const headerSize, progSize = 64, 56
	machine := map[string]elf.Machine{
		"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "riscv64": elf.EM_RISCV, "ppc64": elf.EM_PPC64,
		"ppc64le": elf.EM_PPC64, "s390x": elf.EM_S390,
	}[goarch]
	var order binary.ByteOrder = binary.LittleEndian
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Entry: 0x400000,
		Ehsize: headerSize, Phoff: headerSize, Phentsize: progSize,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), 1
	header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	if goarch == "s390x" || goarch == "ppc64" {
		header.Ident[elf.EI_DATA], order = byte(elf.ELFDATA2MSB), binary.BigEndian
	}
	var progs []elf.Prog64
	if loader != "" {
		size := uint64(len(loader) + 1)
		progs = []elf.Prog64{
			{Type: uint32(elf.PT_INTERP), Off: headerSize + 2*progSize, Filesz: size, Memsz: size},
			{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: 0x400000, Filesz: headerSize, Memsz: headerSize, Align: 4096},
		}
		header.Phnum = uint16(len(progs))
	}
	var b bytes.Buffer
	_ = binary.Write(&b, order, header)
	_ = binary.Write(&b, order, progs)
	if loader != "" {
		b.WriteString(loader + "\x00")
	}
	return b.Bytes()
}

func machoFile(cpu macho.Cpu) []byte {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, macho.FileHeader{Magic: macho.Magic64, Cpu: cpu, Type: macho.TypeExec})
	_ = binary.Write(&b, binary.LittleEndian, uint32(0)) // reserved in 64-bit files
	return b.Bytes()
}

// universalFile holds one executable for each processor.
func universalFile(cpus ...macho.Cpu) []byte {
	const align = 12
	var head, body bytes.Buffer
	_ = binary.Write(&head, binary.BigEndian, []uint32{macho.MagicFat, uint32(len(cpus))})
	for i, cpu := range cpus {
		file := machoFile(cpu)
		_ = binary.Write(&head, binary.BigEndian, macho.FatArchHeader{
			Cpu: cpu, SubCpu: uint32(i), Offset: uint32(i+1) << align, Size: uint32(len(file)), Align: align,
		})
		body.Write(file)
		body.Write(make([]byte, 1<<align-len(file)))
	}
	head.Write(make([]byte, 1<<align-head.Len()))
	return append(head.Bytes(), body.Bytes()...)
}

func peFile(machine uint16) []byte {
	const at = 0x40
	b := make([]byte, at)
	copy(b, "MZ")
	b[0x3c] = at
	b = append(b, "PE\x00\x00"...)
	header := pe.FileHeader{Machine: machine, PointerToSymbolTable: 0}
	var tail bytes.Buffer
	_ = binary.Write(&tail, binary.LittleEndian, header)
	tail.Write(make([]byte, 96)) // where the optional header is looked for
	return append(b, tail.Bytes()...)
}

func TestInspectPlatforms(t *testing.T) {
	for want, data := range map[string][]byte{
		"linux/amd64":        elfFile("amd64", ""),
		"linux/arm64":        elfFile("arm64", ""),
		"linux/riscv64":      elfFile("riscv64", ""),
		"linux/ppc64le":      elfFile("ppc64le", ""),
		"linux/ppc64":        elfFile("ppc64", ""),
		"linux/s390x":        elfFile("s390x", ""),
		"darwin/arm64":       machoFile(macho.CpuArm64),
		"darwin/amd64+arm64": universalFile(macho.CpuArm64, macho.CpuAmd64),
		"windows/amd64":      peFile(pe.IMAGE_FILE_MACHINE_AMD64),
		"windows/arm64":      peFile(pe.IMAGE_FILE_MACHINE_ARM64),
		"unknown":            []byte("#!/bin/sh\nexec true\n"),
	} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, data, 0o755); err != nil {
			t.Fatal(err)
		}
		got, err := Inspect(path)
		if err != nil || got.Platform() != want {
			t.Errorf("got %q, %v; want %q", got.Platform(), err, want)
		}
	}
	universal, err := inspect(bytes.NewReader(universalFile(macho.CpuArm64, macho.CpuAmd64)))
	if err != nil || !universal.Serves("darwin", "amd64") || universal.Serves("linux", "amd64") {
		t.Errorf("universal file: got %+v, %v", universal, err)
	}
	if _, err := inspect(bytes.NewReader(elfFile("amd64", "")[:20])); err == nil {
		t.Error("half a header: no error")
	}
	if info, err := inspect(bytes.NewReader(nil)); err != nil || info.OS != "" {
		t.Errorf("empty file: got %+v, %v", info, err)
	}
}

func TestInspectLoader(t *testing.T) {
	const loader = "/lib/ld-musl-x86_64.so.1"
	got, err := inspect(bytes.NewReader(elfFile("amd64", loader)))
	if err != nil || got.Loader != loader {
		t.Errorf("got %q, %v; want %q", got.Loader, err, loader)
	}
}

// This test binary is a real executable with real build information.
func TestInspectItself(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Inspect(self)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Serves(runtime.GOOS, runtime.GOARCH) {
		t.Errorf("platform is %s", got.Platform())
	}
	if got.Go == nil || got.Go.Version != runtime.Version() || got.Stub() != "" {
		t.Errorf("got %+v, stub %q", got.Go, got.Stub())
	}
}

func TestStub(t *testing.T) {
	const sqlite = "github.com/mattn/go-sqlite3"
	deps := map[string]string{sqlite: "v1.14.53"}
	for _, c := range []struct {
		info *GoInfo
		want string
	}{
		{nil, ""},
		{&GoInfo{Cgo: "0", Deps: deps}, sqlite},
		{&GoInfo{Cgo: "1", Deps: deps}, ""},
		{&GoInfo{Cgo: "0", Deps: map[string]string{"modernc.org/sqlite": "v1.0.0"}}, ""},
	} {
		if got := (Info{Go: c.info}).Stub(); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.info, got, c.want)
		}
	}
}

// Headers come from a registry: none may crash the reader, and what is no
// error names a platform or nothing.
func FuzzInspect(f *testing.F) {
	f.Add(elfFile("amd64", "/lib/ld.so"))
	f.Add(machoFile(macho.CpuAmd64))
	f.Add(universalFile(macho.CpuArm64, macho.CpuAmd64)[:4200])
	f.Add(peFile(pe.IMAGE_FILE_MACHINE_AMD64))
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := inspect(bytes.NewReader(data))
		if err == nil && (info.OS == "") != (len(info.Archs) == 0) {
			t.Errorf("half a platform: %+v", info)
		}
		if slices.Contains(info.Archs, "") {
			t.Errorf("an architecture without a name: %+v", info)
		}
	})
}
