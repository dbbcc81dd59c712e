package image_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

func TestMemory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "home", "layers")
	bare, packed := unpack.Facts{}, image.Packed{Digest: sum("p"), Size: 3, DiffID: sum("q")}
	for run := range 3 { // the file holds what one run has learnt for the next, once
		m := image.OpenMemory(file)
		if _, ok := m.Layer(sum("a")); ok != (run > 0) {
			t.Errorf("run %d: knows the layer: %v", run, ok)
		}
		m.Learn(sum("a"), fit("entry <"))
		m.Learn(sum("b"), bare)
		m.LearnPacked(sum("b"), "postgres", armv7, packed)
		if f, ok := m.Layer(sum("a")); !ok || f != fit("entry <") {
			t.Errorf("run %d: %+v", run, f)
		}
	}
	m := image.OpenMemory(file)
	if f, ok := m.Layer(sum("b")); !ok || f != bare {
		t.Errorf("bare executable: %+v, %v", f, ok)
	}
	if p, ok := m.Packed(sum("b"), "postgres", armv7); !ok || p != packed {
		t.Errorf("packed: %+v, %v", p, ok)
	}
	for _, ok := range []bool{second(m.Packed(sum("b"), "postgres", amd64)), second(m.Packed(sum("b"), "mysql", armv7)), second(m.Packed(sum("a"), "postgres", armv7))} {
		if ok {
			t.Error("knows what another layer, driver or platform becomes")
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	// What is not a line of ours says nothing: half a line, no digests, another packer.
	text := string(data[:len(data)-20]) + "\n{\n" + `{"layer":"x","diffId":"` + string(sum("d")) + `"}` + "\n" + `{"layer":"` + string(sum("c")) + `","mediaType":"m","diffId":"x"}` + "\n" +
		`{"layer":"` + string(sum("c")) + `","packed":{"digest":"x","size":1,"diffId":"x"},"name":"postgres","platform":"linux/amd64","packer":"` + pack.Version + `"}` + "\n" +
		`{"layer":"` + string(sum("d")) + `","packed":{"digest":"` + string(sum("p")) + `","size":1,"diffId":"` + string(sum("q")) + `"},"name":"postgres","platform":"linux/amd64","packer":"old"}` + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m = image.OpenMemory(file)
	if _, ok := m.Layer(sum("a")); !ok {
		t.Error("the whole lines before it are lost")
	}
	for _, ok := range []bool{second(m.Layer(sum("c"))), second(m.Packed(sum("b"), "postgres", armv7)), second(m.Packed(sum("c"), "postgres", amd64)), second(m.Packed(sum("d"), "postgres", amd64))} {
		if ok {
			t.Error("believes a damaged line, or another packer's")
		}
	}

	// Without a home only the process remembers.
	m = image.OpenMemory("")
	m.Learn(sum("a"), bare)
	if _, ok := m.Layer(sum("a")); !ok {
		t.Error("without a home: forgets")
	}
}

func second[T any](_ T, ok bool) bool { return ok }
