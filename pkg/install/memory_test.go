//go:build unix

package install

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
)

// peak returns the most memory that this process had, in bytes.
func peak() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return kib << 10, err
}

// large writes a layer with an executable of so many bytes, and returns its item.
func large(t testing.TB, dir, name string, size int64, pack func(io.Writer) io.WriteCloser) Item {
	t.Helper()
	var out bytes.Buffer
	z := pack(&out)
	w := tar.NewWriter(z)
	w.WriteHeader(&tar.Header{Name: "schemahero-" + name, Typeflag: tar.TypeReg, Mode: 0o755, Size: size})
	noise := make([]byte, 1<<20)
	r := rand.NewChaCha8([32]byte{2})
	for left := size; left > 0; left -= int64(len(noise)) {
		r.Read(noise[:256<<10]) // a quarter does not compress
		w.Write(noise[:min(left, int64(len(noise)))])
	}
	w.Close()
	z.Close()
	d := digest.FromBytes(out.Bytes())
	write(t, filepath.Join(dir, d.Encoded()), out.String())
	return Item{Name: name, Plugin: name, Version: "1.0.0", Layer: Layer{
		Plugin: name, Platform: linux, Digest: d, Size: int64(out.Len()),
	}}
}

// BenchmarkMemory reports the peak memory of a process that installs several
// large drivers at once, in MiB, and fails over 64.
func BenchmarkMemory(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("reads /proc")
	}
	fast := func(w io.Writer) io.WriteCloser {
		z, _ := gzip.NewWriterLevel(w, gzip.StatelessCompression)
		return z
	}
	wide := func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w, zstd.WithWindowSize(8<<20), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			b.Fatal(err)
		}
		return z
	}
	for _, c := range []struct {
		title string
		n     int
		size  int64
		pack  func(io.Writer) io.WriteCloser
	}{{"gzip", 1, 200 << 20, fast}, {"gzip", 8, 50 << 20, fast}, {"zstd", 1, 200 << 20, wide}, {"zstd", 8, 50 << 20, wide}} {
		b.Run(fmt.Sprintf("%s/%dx%dMB", c.title, c.n, c.size>>20), func(b *testing.B) {
			dir := b.TempDir()
			k := task{Home: filepath.Join(dir, "home"), Registry: filepath.Join(dir, "registry"), Rounds: 1, Peak: true}
			var items []Item
			for i := range c.n {
				it := large(b, k.Registry, fmt.Sprintf("d%d", i), c.size+int64(i), c.pack)
				it.Path = filepath.Join(k.Home, "plugins", "schemahero-"+it.Name)
				items = append(items, it)
			}
			k.Sets = [][]Item{items}
			for b.Loop() {
				os.RemoveAll(k.Home)
				cmd := k.command(b)
				cmd.Env = append(cmd.Env, "GOMAXPROCS=4") // the most at once
				cmd.Stderr = os.Stderr
				out, err := cmd.Output()
				if err != nil {
					b.Fatal(err, err.(*exec.ExitError))
				}
				n, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(n)/(1<<20), "MiB")
				if n > 64<<20 {
					b.Errorf("%d bytes of memory", n)
				}
			}
		})
	}
}
