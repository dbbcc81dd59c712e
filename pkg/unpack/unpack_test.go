package unpack

import (
	"archive/tar"
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

var linux = artifact.Platform{OS: "linux", Arch: "amd64"}

// file is an entry of a tar, a regular file unless the header says otherwise.
type file struct {
	tar.Header
	data string
}

func reg(name, data string) file { return file{tar.Header{Name: name, Mode: 0o755}, data} }

func special(name string, kind byte, link string) file {
	return file{tar.Header{Name: name, Typeflag: kind, Linkname: link}, ""}
}

func makeTar(t testing.TB, files ...file) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if f.Typeflag == 0 {
			f.Typeflag = tar.TypeReg
		}
		if f.Typeflag == tar.TypeReg {
			f.Size = int64(len(f.data))
		}
		if err := w.WriteHeader(&f.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gz(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func zst(t testing.TB, s string, o ...zstd.EOption) string {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, o...)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func extract(layer string, d Driver) (string, error) {
	var out bytes.Buffer
	d.Size = int64(len(layer))
	err := New().Extract(strings.NewReader(layer), &out, d)
	return out.String(), err
}

// noise is what does not compress.
func noise(n int) string {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return string(b)
}

func TestExtract(t *testing.T) {
	const name, exe = "schemahero-postgres", "\x7fELF the driver"
	long := "\x7fELF" + noise(300<<10)
	zeroed := strings.Repeat("\x00", 1<<20-512-1024)
	windows := artifact.Platform{OS: "windows", Arch: "amd64"}
	armv7 := artifact.Platform{OS: "linux", Arch: "arm", Variant: "v7"}
	old := []byte(makeTar(t, reg(name, exe)))
	copy(old[257:265], make([]byte, 8)) // before POSIX there was no "ustar"
	old = checksummed(old)
	for _, c := range []struct {
		title    string
		layer    string
		platform artifact.Platform
		want     string
	}{
		{"tar.gz", gz(t, makeTar(t, reg(name, exe))), linux, exe},
		{"tar.zst", zst(t, makeTar(t, reg(name, exe))), linux, exe},
		{"tar", makeTar(t, reg(name, exe)), linux, exe},
		{"old tar", string(old), linux, exe},
		{"bare", exe, linux, exe},
		{"bare of one byte", "x", linux, "x"},
		{"bare.gz", gz(t, exe), linux, exe},
		{"bare.zst", zst(t, exe), linux, exe},
		{"long bare", long, linux, long},
		{"long tar.gz", gz(t, makeTar(t, reg(name, long))), linux, long},
		{"no more than any layer may", gz(t, makeTar(t, reg(name, zeroed))), linux, zeroed}, // 1 MiB with the tar's header and end
		{"longest name beside", gz(t, makeTar(t, reg(strings.Repeat("a", 1024), ""), reg(name, exe))), linux, exe},
		{"with platform", gz(t, makeTar(t, reg(name+"-linux-amd64", exe))), linux, exe},
		{"other platform beside", gz(t, makeTar(t, reg(name+"-linux-arm64", "no"), reg(name+"-linux-amd64", exe))), linux, exe},
		{"other driver beside", gz(t, makeTar(t, reg(name+"x", "no"), reg(name, exe))), linux, exe},
		{"variant", gz(t, makeTar(t, reg(name+"-linux-arm-v7", exe))), armv7, exe},
		{"variant that the plain name means", gz(t, makeTar(t, reg(name+"-linux-amd64-v1", exe))), linux, exe},
		{"variant left out", gz(t, makeTar(t, reg(name+"-linux-arm", exe))), armv7, exe},
		{"windows", gz(t, makeTar(t, reg(name+"-windows-amd64.exe", exe))), windows, exe},
		{"windows without exe", gz(t, makeTar(t, reg(name, exe))), windows, exe},
		{"dot slash", gz(t, makeTar(t, special("./", tar.TypeDir, ""), reg("./"+name, exe))), linux, exe},
		{"readme and licence", gz(t, makeTar(t, reg("README.md", "hi"), reg(name, exe), special("doc/", tar.TypeDir, ""), reg("doc/LICENSE", "ok"))), linux, exe},
		{"below a folder is another file", gz(t, makeTar(t, reg("old/"+name, "no"), reg(name, exe))), linux, exe},
		{"gzip members", gz(t, long[:9]) + gz(t, long[9:]), linux, long},
		{"tar over gzip members", func() string {
			s := makeTar(t, reg(name, long))
			return gz(t, s[:700]) + gz(t, s[700:])
		}(), linux, long},
		{"zstd frames", zst(t, long[:9]) + zst(t, long[9:]), linux, long},
		{"zstd skippable frame", "\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zst(t, exe), linux, exe},
		{"git archive's comment", gz(t, makeTar(t, file{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c0ffee"}}, ""}, reg(name, exe))), linux, exe},
		{"pax times", gz(t, makeTar(t, file{tar.Header{Name: name, PAXRecords: map[string]string{"mtime": "1.5", "SCHILY.xattr.user.a": "b"}}, exe})), linux, exe},
		{"tar without its end", strings.TrimRight(makeTar(t, reg(name, exe)), "\x00") + strings.Repeat("\x00", 512-len(exe)), linux, exe},
		{"padded tar", makeTar(t, reg(name, exe)) + strings.Repeat("\x00", 20<<10), linux, exe},
		{"a megabyte of zeros", gz(t, makeTar(t, reg(name, strings.Repeat("\x00", freeSize-4<<10)))), linux, strings.Repeat("\x00", freeSize-4<<10)},
	} {
		t.Run(c.title, func(t *testing.T) {
			got, err := extract(c.layer, Driver{Name: "postgres", Platform: c.platform})
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("extracted %d bytes %.40q, want %d bytes %.40q", len(got), got, len(c.want), c.want)
			}
		})
	}
}

// checksummed corrects the checksum of a tar's first header.
func checksummed(b []byte) []byte {
	sum := int(8 * ' ')
	for i, c := range b[:512] {
		if i < 148 || i >= 156 {
			sum += int(c)
		}
	}
	for i := 5; i >= 0; i-- {
		b[148+i] = '0' + byte(sum&7)
		sum >>= 3
	}
	b[154], b[155] = 0, ' '
	return b
}
