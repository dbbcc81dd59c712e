package install

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
)

// driver makes a layer of an executable of so many bytes that compresses as Go
// programs do: it is this test's own, over and over.
func driver(b *testing.B, name string, size int) (Item, []byte) {
	b.Helper()
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	w.WriteHeader(&tar.Header{Name: "schemahero-" + name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(size)})
	for left := size; left > 0; left -= len(self) {
		w.Write(self[:min(left, len(self))])
	}
	w.Close()
	z.Close()
	it := Item{Name: name, Plugin: name, Version: "1.0.0", Layer: Layer{
		Plugin: name, Platform: linux, Digest: digest.FromBytes(out.Bytes()), Size: int64(out.Len()),
	}}
	return it, out.Bytes()
}

// floor does the least that installing can be: hash, inflate, hash, write,
// sync, copy into place, sync.
func floor(b *testing.B, dir, name string, layer []byte) {
	sum, fileSum := sha256.New(), sha256.New()
	z, err := gzip.NewReader(io.TeeReader(bytes.NewReader(layer), sum))
	if err != nil {
		b.Error(err)
		return
	}
	t := tar.NewReader(z)
	t.Next()
	stored, err := os.Create(filepath.Join(dir, name+".store"))
	if err != nil {
		b.Error(err)
		return
	}
	buf := make([]byte, 256<<10)
	if _, err := io.CopyBuffer(io.MultiWriter(struct{ io.Writer }{stored}, fileSum), struct{ io.Reader }{t}, buf); err != nil {
		b.Error(err)
	}
	io.Copy(io.Discard, z)
	stored.Sync()
	stored.Close()
	floorCopy(b, dir, name)
}

func floorCopy(b *testing.B, dir, name string) {
	stored, err := os.Open(filepath.Join(dir, name+".store"))
	if err != nil {
		b.Error(err)
		return
	}
	placed, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		b.Error(err)
		return
	}
	io.Copy(placed, stored)
	placed.Sync()
	placed.Close()
	stored.Close()
}

// BenchmarkInstall measures installing one and two drivers, of 57 and 79 MB.
// Floor and sync take turns, since only ratios of one run mean anything; the
// best of each is reported, in milliseconds, and their ratio.
func BenchmarkInstall(b *testing.B) {
	w := &world{t: b, reg: &registry{layers: map[digest.Digest][]byte{}}}
	postgres, one := driver(b, "postgres", 57<<20)
	sqlite, two := driver(b, "sqlite", 79<<20)
	w.reg.layers[postgres.Layer.Digest], w.reg.layers[sqlite.Layer.Digest] = one, two
	for _, n := range []int{1, 2} {
		items, layers := []Item{postgres, sqlite}[:n], [][]byte{one, two}[:n]
		each := func(f func(i int)) {
			var wg sync.WaitGroup
			for i := range items {
				wg.Go(func() { f(i) })
			}
			wg.Wait()
		}
		install := func(dir string) {
			mine := make([]Item, n)
			for i, it := range items {
				it.Path = filepath.Join(dir, "plugins", "schemahero-"+it.Name)
				mine[i] = it
			}
			if _, err := runSync(context.Background(), Open(NewHome(dir), Options{Fetch: w.reg}), mine, PlaceOptions{Claim: "/x.lock"}); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("%d/cold", n), func(b *testing.B) {
			var floors, syncs best
			for b.Loop() {
				dir := b.TempDir()
				floors.time(func() { each(func(i int) { floor(b, dir, items[i].Name, layers[i]) }) })
				syncs.time(func() { install(dir) })
				os.RemoveAll(dir)
			}
			ratio(b, floors, syncs)
		})
		b.Run(fmt.Sprintf("%d/warm", n), func(b *testing.B) {
			var floors, syncs best
			dir := b.TempDir()
			each(func(i int) { floor(b, dir, items[i].Name, layers[i]) })
			install(dir)
			for b.Loop() {
				for _, it := range items {
					os.Remove(filepath.Join(dir, it.Name))
				}
				os.RemoveAll(filepath.Join(dir, "plugins"))
				os.RemoveAll(filepath.Join(dir, "receipts"))
				floors.time(func() { each(func(i int) { floorCopy(b, dir, items[i].Name) }) })
				syncs.time(func() { install(dir) })
			}
			ratio(b, floors, syncs)
		})
	}
}

// best is the shortest of several times.
type best time.Duration

func (m *best) time(f func()) {
	start := time.Now()
	f()
	if d := best(time.Since(start)); *m == 0 || d < *m {
		*m = d
	}
}

func ratio(b *testing.B, floor, sync best) {
	b.ReportMetric(float64(floor)/1e6, "floor-ms")
	b.ReportMetric(float64(sync)/1e6, "sync-ms")
	b.ReportMetric(float64(sync)/float64(floor), "ratio")
}

// BenchmarkNothingToDo measures what a sync looks at when all is in place.
func BenchmarkNothingToDo(b *testing.B) {
	for _, n := range []int{1, 6, 50, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newWorld(b)
			var items []Item
			for i := range n {
				items = append(items, w.publish(fmt.Sprintf("d%d", i), "1.0.0"))
			}
			if _, err := runSync(context.Background(), w.installer(), items, PlaceOptions{Claim: "/x.lock"}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				all, err := Open(w.home(), Options{}).Inspect(context.Background(), items)
				if err != nil {
					b.Fatal(err)
				}
				for _, s := range all {
					if !s.Settled("/x.lock") {
						b.Fatalf("%+v", s)
					}
				}
			}
		})
	}
}
