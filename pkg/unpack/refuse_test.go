package unpack

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestExtractRefuses(t *testing.T) {
	const name, exe = "schemahero-postgres", "\x7fELF the driver"
	driver := reg(name, exe)
	with := func(files ...file) string { return gz(t, makeTar(t, files...)) }
	whole := with(reg(name, noise(64<<10)))
	broken := []byte(whole)
	broken[len(broken)/2] ^= 0xff
	wrongSum := []byte(whole)
	wrongSum[len(wrongSum)-6] ^= 0xff
	many := []file{driver}
	for i := range maxEntries {
		many = append(many, reg("f"+strings.Repeat("x", i%100)+strings.Repeat("y", i/100), ""))
	}
	for _, c := range []struct{ title, layer, want string }{
		{"empty", "", "is empty"},
		{"empty inside gzip", gz(t, ""), "is empty"},
		{"empty tar", with(), `holds no "schemahero-postgres"`},
		{"no driver", with(reg("README.md", "hi")), `holds no "schemahero-postgres"`},
		{"another platform's", with(reg(name+"-linux-arm64", exe)), `holds no "schemahero-postgres"`},
		{"windows' name", with(reg(name+".exe", exe)), `holds no "schemahero-postgres"`},
		{"in a folder", with(reg("bin/"+name, exe)), `holds no "schemahero-postgres"`},
		{"a folder of the name", with(special(name+"/", tar.TypeDir, "")), `holds no "schemahero-postgres"`},
		{"empty driver", with(reg(name, "")), `"schemahero-postgres" is empty`},
		{"two candidates", with(driver, reg(name+"-linux-amd64", exe)), `holds both "schemahero-postgres" and "schemahero-postgres-linux-amd64"`},
		{"twice", with(driver, driver), `holds "schemahero-postgres" twice`},
		{"twice, by another spelling", with(driver, reg("./"+name, exe)), `holds "schemahero-postgres" twice`},
		{"another file twice", with(driver, reg("a", ""), reg("a", "")), `holds "a" twice`},
		{"parent", with(driver, reg("../x", "")), `has the unsafe name "../x"`},
		{"parent within", with(driver, reg("a/../../x", "")), `has the unsafe name "a/../../x"`},
		{"parent as driver", with(reg("../"+name, exe)), `has the unsafe name "../schemahero-postgres"`},
		{"absolute", with(driver, reg("/etc/passwd", "")), `has the unsafe name "/etc/passwd"`},
		{"windows' absolute", with(driver, reg(`c:\x`, "")), `has the unsafe name "c:\\x"`},
		{"windows' parent", with(driver, reg(`..\x`, "")), `has the unsafe name "..\\x"`},
		{"windows' stream", with(driver, reg(name+":x", "")), `has the unsafe name "schemahero-postgres:x"`},
		{"no name", with(driver, file{tar.Header{Name: ""}, ""}), `has the unsafe name ""`},
		{"long name", with(driver, reg(strings.Repeat("a/", 600)+"a", "")), `has a name of 1201 bytes`},
		{"link", with(special(name, tar.TypeSymlink, "/bin/sh")), `holds "schemahero-postgres" as a link`},
		{"link beside", with(driver, special("x", tar.TypeSymlink, "y")), `holds "x" as a link`},
		{"hard link", with(driver, special("x", tar.TypeLink, name)), `holds "x" as a link`},
		{"character device", with(special(name, tar.TypeChar, "")), `holds "schemahero-postgres" as a device`},
		{"block device", with(driver, special("x", tar.TypeBlock, "")), `holds "x" as a device`},
		{"fifo", with(driver, special("x", tar.TypeFifo, "")), `holds "x" as a FIFO`},
		{"contiguous", with(driver, special("x", tar.TypeCont, "")), `holds "x" as an entry of type '7'`},
		{"old GNU sparse", gz(t, gnuSparse(t)), `holds "schemahero-postgres" as a sparse file`},
		{"PAX sparse", gz(t, paxSparse(t)), `holds "schemahero-postgres" as a sparse file`},
		{"global header that renames", with(file{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"path": "x"}}, ""}, driver), `has a global header with "path"`},
		{"many files", with(many...), "holds more than 1000 files"},
		{"data after the tar", gz(t, makeTar(t, driver)+"more"), "has data after its end"},
		{"a tar after the tar", gz(t, makeTar(t, driver)+makeTar(t, reg("x", "y"))), "has data after its end"},
		{"data after gzip", with(driver) + "and some more data", "gzip: has no header where one should be, or other data at its end"},
		{"zeros after gzip", with(driver) + strings.Repeat("\x00", 512), "gzip: has no header where one should be, or other data at its end"},
		{"data after zstd", zst(t, makeTar(t, driver)) + "more", "invalid input: magic number mismatch"},
		{"gzip cut short", whole[:len(whole)/2], "ends too early"},
		{"gzip header cut short", whole[:5], "ends too early"},
		{"gzip without its sum", whole[:len(whole)-8], "ends too early"},
		{"gzip damaged", string(broken), "gzip: "},
		{"gzip's sum damaged", string(wrongSum), "gzip: checksum mismatch"},
		{"zstd cut short", zst(t, noise(64<<10))[:9<<10], "ends too early"},
		{"tar cut short", makeTar(t, reg(name, noise(4<<10)))[:2<<10], "ends too early"},
		{"tar damaged", makeTar(t, reg("x", exe))[:1024] + noise(2<<10), "tar: has a damaged header"},
		{"compressed twice", gz(t, with(driver)), "is compressed twice"},
		{"zip", "PK\x03\x04" + noise(99), "is compressed with zip, which is not supported"},
		{"xz", "\xfd7zXZ\x00" + noise(99), "is compressed with xz, which is not supported"},
		{"bzip2", "BZh9" + noise(99), "is compressed with bzip2, which is not supported"},
		{"bomb", gz(t, makeTar(t, reg(name, strings.Repeat("\x00", 4<<20)))), "expands to more than 200 times its size"},
		{"bare bomb", gz(t, strings.Repeat("\x01", 4<<20)), "expands to more than 200 times its size"},
		{"bomb beside", with(driver, reg("x", strings.Repeat("\x00", 4<<20))), "expands to more than 200 times its size"},
		{"bomb behind", gz(t, makeTar(t, driver)+strings.Repeat("\x00", 4<<20)), "expands to more than 200 times its size"},
		{"zstd bomb", zst(t, strings.Repeat("\x01", 4<<20)), "expands to more than 200 times its size"},
		{"zstd window", zst(t, noise(17<<20), zstd.WithWindowSize(16<<20), zstd.WithSingleSegment(false)), "zstd: needs a window of more than 8 MiB"},
	} {
		t.Run(c.title, func(t *testing.T) {
			_, err := extract(c.layer, Driver{Name: "postgres", Platform: linux})
			if !errors.As(err, new(*Error)) || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// gnuSparse returns a tar in which the driver is a sparse file as GNU tar
// wrote them before PAX.
func gnuSparse(t *testing.T) string {
	b := []byte(makeTar(t, file{tar.Header{Name: "schemahero-postgres", Format: tar.FormatGNU}, strings.Repeat("x", 512)}))
	b[156] = tar.TypeGNUSparse
	copy(b[386:], "00000000000\x0000000001000\x00") // one fragment: offset 0, 512 bytes
	copy(b[483:], "00000010000\x00")                // real size 4096
	return string(checksummed(b))
}

// paxSparse returns one as GNU tar writes them today.
func paxSparse(t *testing.T) string {
	// archive/tar writes no GNU.sparse records, so others of their length take
	// their place first.
	s := makeTar(t, file{tar.Header{Name: "schemahero-postgres", PAXRecords: map[string]string{
		"GNU_sparse.major": "1", "GNU_sparse.minor": "0", "GNU_sparse.name": "schemahero-postgres", "GNU_sparse.realsize": "4096",
	}}, "1\n0\n512\n" + strings.Repeat("\x00", 504) + strings.Repeat("x", 512)})
	return strings.ReplaceAll(s, "GNU_sparse", "GNU.sparse")
}

// zeros is an endless source.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestExtractStopsAtOneGibibyte(t *testing.T) {
	err := New().Extract(io.MultiReader(strings.NewReader("#!"), zeros{}), Into{io.Discard}, Driver{Name: "postgres", Platform: linux, Size: 8 << 30})
	if err == nil || err.Error() != "expands to more than 1 GiB" {
		t.Errorf("got %v", err)
	}
}

func TestCheckSize(t *testing.T) {
	for _, c := range []struct{ size, content, refused int64 }{
		{1, 1 << 20, 1<<20 + 1}, {10 << 10, 2000 << 10, 2000<<10 + 1}, {1 << 30, 1 << 30, 1<<30 + 1},
	} {
		if err := CheckSize(c.size, c.content); err != nil {
			t.Errorf("%d bytes from %d: %v", c.content, c.size, err)
		}
		if !errors.As(CheckSize(c.size, c.refused), new(*Error)) {
			t.Errorf("%d bytes from %d are taken", c.refused, c.size)
		}
	}
}

func TestBare(t *testing.T) {
	whole := makeTar(t, reg("schemahero-postgres", "\x7fELF"))
	for _, c := range []struct {
		title, head string
		want        bool
	}{
		{"driver", "\x7fELF", true}, {"driver", "", true}, {"driver.exe", "MZ", true},
		{"driver", gz(t, "x"), false}, {"driver", zst(t, "x"), false}, {"driver", whole[:512], false},
		{"driver.tar.gz", "\x7fELF", false}, {"driver", "PK\x03\x04", false},
	} {
		if got := Bare(c.title, []byte(c.head)); got != c.want {
			t.Errorf("%s, %.8q: %v", c.title, c.head, got)
		}
	}
}

// Whoever reads from a source that fails, or writes to a full disk, must get
// that failure and not be told that the archive is bad.
func TestExtractPassesOthersErrors(t *testing.T) {
	ours := errors.New("connection lost")
	whole := gz(t, makeTar(t, reg("schemahero-postgres", noise(64<<10))))
	for _, at := range []int{0, 3, 100, 40 << 10} {
		r := io.MultiReader(strings.NewReader(whole[:at]), failing{ours})
		if err := New().Extract(r, Into{io.Discard}, Driver{Name: "postgres", Platform: linux, Size: 99 << 10}); !errors.Is(err, ours) {
			t.Errorf("after %d bytes: got %v", at, err)
		}
	}
	if err := New().Extract(strings.NewReader(whole), fullDisk{ours}, Driver{Name: "postgres", Platform: linux, Size: 99 << 10}); !errors.Is(err, ours) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type fullDisk struct{ err error }

func (f fullDisk) ReadFrom(io.Reader) (int64, error) { return 0, f.err }
