package pack_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
)

// What is remembered of packed layers counts for one version of the packer: it must
// change when the compressor does.
func TestVersionIsTheCompressors(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	compressor, level, _ := strings.Cut(pack.Version, ", ")
	if !strings.Contains(string(mod), "github.com/"+compressor+"\n") || level != "gzip 7" {
		t.Errorf("Version is %q, which is not what go.mod requires", pack.Version)
	}
}

func TestWrite(t *testing.T) {
	executable := bytes.Repeat([]byte("a driver's code; "), 10_000)
	var out bytes.Buffer
	p, err := pack.Write(&out, bytes.NewReader(executable), int64(len(executable)), "schemahero-x-linux-amd64", pack.Gzip)
	if err != nil {
		t.Fatal(err)
	}
	archive := out.Bytes()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	tar, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	want := pack.Packed{
		Digest: digest.FromBytes(archive), Size: int64(len(archive)), Tar: digest.FromBytes(tar), Executable: digest.FromBytes(executable),
	}
	if p != want || pack.Size(int64(len(executable))) != int64(len(tar)) {
		t.Errorf("packed %+v, want %+v", p, want)
	}
	for _, size := range []int64{int64(len(executable)) - 1, int64(len(executable)) + 1} {
		if _, err := pack.Write(io.Discard, bytes.NewReader(executable), size, "x", pack.Zstd); !errors.Is(err, pack.ErrChanged) {
			t.Errorf("announced as %d of %d bytes: %v", size, len(executable), err)
		}
	}
}
