package publish_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

func TestPackIsReproducible(t *testing.T) {
	text := bytes.Repeat([]byte("a driver's code; "), 50_000)
	for _, c := range []pack.Compression{pack.Gzip, pack.Zstd} {
		var archives []publish.Archive
		for i, mode := range []os.FileMode{0o700, 0o755, 0o644} {
			dir := t.TempDir()
			exe := write(t, filepath.Join(dir, "built", "by", string(rune('a'+i))), text, mode)
			when := time.Unix(int64(1_000_000*i), 0)
			if err := os.Chtimes(exe, when, when); err != nil {
				t.Fatal(err)
			}
			a, err := publish.Pack(t.Context(), "postgres", amd64, exe, dir, c)
			if err != nil {
				t.Fatal(err)
			}
			a.Path = "" // the only thing that may differ
			archives = append(archives, a)
		}
		if archives[0] != archives[1] || archives[0] != archives[2] {
			t.Errorf("%s: the same executable gave %+v", c, archives)
		}
	}
}

func TestPackedArchive(t *testing.T) {
	dir := t.TempDir()
	body := elf("amd64", "body")
	exe := write(t, filepath.Join(dir, "x"), body, 0o700)
	for _, tt := range []struct {
		c                pack.Compression
		p                artifact.Platform
		title, mediaType string
		entry            string
	}{
		{pack.Gzip, amd64, "schemahero-postgres-linux-amd64.tar.gz", "application/gzip", "schemahero-postgres-linux-amd64"},
		{pack.Zstd, arm64, "schemahero-postgres-linux-arm64.tar.zst", "application/zstd", "schemahero-postgres-linux-arm64"},
		{pack.Gzip, artifact.Platform{OS: "windows", Arch: "amd64"}, "schemahero-postgres-windows-amd64.tar.gz", "application/gzip", "schemahero-postgres-windows-amd64.exe"},
	} {
		a, err := publish.Pack(t.Context(), "postgres", tt.p, exe, dir, tt.c)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(a.Path)
		if err != nil {
			t.Fatal(err)
		}
		if a.Title != tt.title || filepath.Base(a.Path) != tt.title || a.MediaType != tt.mediaType ||
			a.Digest != digest.FromBytes(data) || a.Size != int64(len(data)) ||
			a.Executable != digest.FromBytes(body) || a.ExecutableSize != int64(len(body)) {
			t.Errorf("%s: %+v", tt.title, a)
		}
		if want := digest.FromBytes(data).Encoded() + "  " + tt.title + "\n"; a.Sum() != want {
			t.Errorf("sum is %q, want %q", a.Sum(), want)
		}
		var plain io.Reader
		if tt.c == pack.Zstd {
			z, err := zstd.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			plain = z
		} else {
			z, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if z.Name != "" || z.Comment != "" || !z.ModTime.IsZero() {
				t.Errorf("%s: gzip header %+v", tt.title, z.Header)
			}
			plain = z
		}
		r := tar.NewReader(plain)
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != tt.entry || h.Mode != 0o755 || h.Typeflag != tar.TypeReg || h.Uid != 0 || h.Gid != 0 ||
			h.Uname != "" || h.Gname != "" || h.ModTime.Unix() != 0 || len(h.PAXRecords) != 0 {
			t.Errorf("%s: entry %+v", tt.title, h)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: holds %d bytes, error %v", tt.title, len(got), err)
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("%s: a second entry, or %v", tt.title, err)
		}
	}
}

func TestPackLeavesNothingBehind(t *testing.T) {
	exe := write(t, filepath.Join(t.TempDir(), "x"), elf("amd64", "x"), 0o755)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := publish.Pack(ctx, "postgres", amd64, exe, dir, pack.Gzip); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// hand makes an archive as a publisher's tar would.
func hand(t *testing.T, file string, entries ...*tar.Header) string {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	for _, h := range entries {
		body := elf("amd64", h.Name)
		if h.Typeflag == 0 || h.Typeflag == tar.TypeReg {
			h.Size = int64(len(body))
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write(body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return write(t, file, buf.Bytes(), 0o644)
}

func TestPushPacksArchivesAnew(t *testing.T) {
	entry := "schemahero-postgres-linux-amd64"
	archive := hand(t, filepath.Join(t.TempDir(), "any.tgz"),
		&tar.Header{Name: "README", Mode: 0o644}, &tar.Header{Name: "./" + entry, Mode: 0o600, ModTime: time.Unix(9, 0), Uname: "builder"})
	exe := write(t, filepath.Join(t.TempDir(), "x"), elf("amd64", "./"+entry), 0o755)
	zst, err := publish.Pack(t.Context(), "postgres", amd64, exe, t.TempDir(), pack.Zstd)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	bare := write(t, filepath.Join(t.TempDir(), "any.tar"), plain, 0o644)
	var layers []digest.Digest
	for _, file := range []string{archive, exe, zst.Path, bare} {
		r := release(t, "0.1.0", "")
		r.Files = map[artifact.Platform]string{amd64: file}
		layers = append(layers, push(t, newMemory("r.example/postgres"), r).Platforms[0].Layer.Digest)
	}
	if layers[0] != layers[1] || layers[2] != layers[1] || layers[3] != layers[1] {
		t.Errorf("archive, executable, zstd archive and tar of one executable gave %s", layers)
	}
}

func TestArchivesThatAreRefused(t *testing.T) {
	entry := "schemahero-postgres-linux-amd64"
	for name, tt := range map[string]struct {
		entries []*tar.Header
		want    string
	}{
		"none":    {[]*tar.Header{{Name: "schemahero-mysql"}}, `x.tar.gz: holds no "schemahero-postgres"`},
		"two":     {[]*tar.Header{{Name: entry}, {Name: "schemahero-postgres"}}, `x.tar.gz: holds both "schemahero-postgres-linux-amd64" and "schemahero-postgres"`},
		"link":    {[]*tar.Header{{Name: entry, Typeflag: tar.TypeSymlink, Linkname: "/bin/sh"}}, `x.tar.gz: holds "schemahero-postgres-linux-amd64" as a link`},
		"outside": {[]*tar.Header{{Name: "../" + entry}}, `x.tar.gz: has the unsafe name "../schemahero-postgres-linux-amd64"`},
		"beside":  {[]*tar.Header{{Name: entry}, {Name: "x", Typeflag: tar.TypeSymlink, Linkname: "y"}}, `x.tar.gz: holds "x" as a link`},
	} {
		r := release(t, "0.1.0", "")
		dir := t.TempDir()
		r.Files = map[artifact.Platform]string{amd64: hand(t, filepath.Join(dir, "x.tar.gz"), tt.entries...)}
		_, err := publish.Push(t.Context(), nil, r, publish.Options{DryRun: true, Force: true, Temp: t.TempDir()})
		var lint *publish.LintError
		if !errors.As(err, &lint) || err.Error() != dir+string(filepath.Separator)+tt.want || fault.Of(err) != fault.Integrity {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	whole, err := os.ReadFile(hand(t, filepath.Join(t.TempDir(), "x"), &tar.Header{Name: entry}))
	if err != nil {
		t.Fatal(err)
	}
	r := release(t, "0.1.0", "")
	r.Files = map[artifact.Platform]string{amd64: write(t, filepath.Join(t.TempDir(), "cut.tar.gz"), whole[:len(whole)/2], 0o644)}
	_, err = publish.Push(t.Context(), nil, r, publish.Options{DryRun: true, Temp: t.TempDir()})
	var lint *publish.LintError
	if !errors.As(err, &lint) || lint.Problems[0].Kind != publish.ProblemArchive {
		t.Errorf("cut archive: %v", err)
	}
	// What packs too well would come out of a layer that readers take for a bomb.
	r.Files = map[artifact.Platform]string{amd64: write(t, filepath.Join(t.TempDir(), "driver"), elf("amd64", strings.Repeat("\x00", 4<<20)), 0o755)}
	_, err = publish.Push(t.Context(), nil, r, publish.Options{DryRun: true, Force: true, Temp: t.TempDir()})
	if !errors.As(err, &lint) || !strings.HasSuffix(err.Error(), "its archive expands to more than 200 times its size") {
		t.Errorf("executable of zeros: %v", err)
	}
}
