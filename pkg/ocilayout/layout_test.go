package ocilayout

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestBundle(t *testing.T) {
	f, release := bundled()
	file := filepath.Join(t.TempDir(), "bundle.tar")
	write(t, file, f.tar(t))
	for kind, path := range map[string]string{"tar": file, "folder": f.folder(t, t.TempDir())} {
		t.Run(kind, func(t *testing.T) {
			s, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := s.Repositories(); !slices.Equal(got, []string{postgresRepo, edgeRepo}) {
				t.Errorf("repositories %v", got)
			}
			if string(s.Lock()) != "version = 1\n" || len(s.Index().Manifests) != 6 {
				t.Errorf("lock %q, %d entries", s.Lock(), len(s.Index().Manifests))
			}
			ctx := context.Background()
			postgres, edge := s.Repository(postgresRepo), s.Repository(edgeRepo)
			tags, err := allTags(postgres)
			if want := []string{"0.1.2", "0.1.2-linux-amd64", "0.1.2-linux-arm64"}; err != nil || !slices.Equal(tags, want) {
				t.Errorf("tags %v %v", tags, err)
			}
			desc, data, err := postgres.Manifest(ctx, "0.1.2-linux-arm64")
			if err != nil || digest.FromBytes(data) != desc.Digest || desc.MediaType != ocispec.MediaTypeImageManifest {
				t.Errorf("manifest %+v %v", desc, err)
			}
			var m ocispec.Manifest
			json.Unmarshal(data, &m)
			if got, err := readBlob(postgres, m.Layers[0]); err != nil || string(got) != "arm64" {
				t.Errorf("blob %q %v", got, err)
			}
			if tags, err := allTags(edge); err != nil || !slices.Equal(tags, []string{"v1.0.0_b1", "sha256-" + release.Digest.Encoded() + ".sig"}) {
				t.Errorf("tags %v %v", tags, err)
			}
			if got, err := edge.Resolve(ctx, "v1.0.0_b1"); err != nil || got.Digest != release.Digest || got.Annotations != nil {
				t.Errorf("resolve %+v %v", got, err)
			}
			if list, err := edge.Referrers(ctx, release.Digest); err != nil || len(list) != 1 {
				t.Errorf("referrers %v %v", list, err)
			}
			if list, err := postgres.Referrers(ctx, desc.Digest); err != nil || len(list) != 0 {
				t.Errorf("referrers %v %v", list, err)
			}
			_, err = allTags(s.Repository("docker.io/schemahero/plugin-mysql"))
			wantError[*NotFoundError](t, err)
			_, _, err = edge.Manifest(ctx, "0.1.2")
			wantError[*NotFoundError](t, err)
			_, err = readBlob(edge, ocispec.Descriptor{Digest: digest.FromString("none"), Size: 4})
			if e := wantError[*MissingError](t, err); e.Repository != edgeRepo || e.Layout != path || !errors.Is(err, artifact.ErrNotFound) {
				t.Errorf("error: %#v", e)
			}
		})
	}
}

// A bundle that was cut anywhere, or lost a file, is refused whole.
func TestBundleCut(t *testing.T) {
	f, _ := bundled()
	whole := f.tar(t)
	file := filepath.Join(t.TempDir(), "bundle.tar")
	for n := 0; n < len(whole); n += 256 {
		write(t, file, whole[:n])
		s, err := Open(file)
		if err == nil {
			s.Close()
			t.Fatalf("the first %d of %d bytes are taken for a bundle", n, len(whole))
		}
		wantError[*Error](t, err)
	}
	for _, padded := range []int{512, 8192} {
		write(t, file, append(bytes.Clone(whole), make([]byte, padded)...))
		if s, err := Open(file); err != nil {
			t.Errorf("%d zeros more: %v", padded, err)
		} else {
			s.Close()
		}
	}
	write(t, file, append(bytes.Clone(whole), 'x'))
	_, err := Open(file)
	wantError[*Error](t, err)
}

// A bundle may have been unpacked and packed again, by whichever tar there is.
func TestBundleByOtherTars(t *testing.T) {
	f, _ := bundled()
	packed := func(format tar.Format, prefix string) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, dir := range []string{"blobs/", "blobs/sha256/"} {
			w.WriteHeader(&tar.Header{Name: prefix + dir, Typeflag: tar.TypeDir, Mode: 0o755, Format: format})
		}
		for _, name := range slices.Backward(slices.Sorted(maps.Keys(f))) {
			h := &tar.Header{Name: prefix + name, Size: int64(len(f[name])), Mode: 0o600, ModTime: time.Unix(1700000000, 0), Uname: "somebody", Uid: 1000, Format: format}
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			w.Write(f[name])
		}
		w.Close()
		return append(b.Bytes(), make([]byte, 8192)...)
	}
	// headers calls change with each header, whose checksum is then as Perl's
	// Archive::Tar writes it.
	headers := func(data []byte, change func(h []byte)) []byte {
		for at := 0; data[at] != 0; {
			h := data[at : at+512]
			size, _ := strconv.ParseInt(strings.Trim(string(h[124:136]), "\x00 "), 8, 64)
			change(h)
			copy(h[148:156], "        ")
			sum := 0
			for _, c := range h {
				sum += int(c)
			}
			copy(h[148:156], fmt.Sprintf("%6o\x00\x00", sum))
			at += 512 + int(size+511)/512*512
		}
		return data
	}
	for name, data := range map[string][]byte{
		"GNU":   packed(tar.FormatGNU, ""),
		"pax":   packed(tar.FormatPAX, "./"),
		"ustar": packed(tar.FormatUSTAR, ""),
		"Perl":  headers(packed(tar.FormatUSTAR, ""), func([]byte) {}),
		"v7":    headers(packed(tar.FormatUSTAR, ""), func(h []byte) { clear(h[257:]) }),
		"spaces": headers(packed(tar.FormatUSTAR, ""), func(h []byte) {
			for _, at := range []int{107, 115, 123, 135, 147} { // the ends of numbers
				h[at] = ' '
			}
		}),
	} {
		file := filepath.Join(t.TempDir(), "bundle.tar")
		write(t, file, data)
		s, err := Open(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if tags, err := allTags(s.Repository(postgresRepo)); err != nil || len(tags) != 3 {
			t.Errorf("%s: %v %v", name, tags, err)
		}
		s.Close()
		if err := readAll(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		write(t, file, data[:len(data)-8192-512])
		_, err = Open(file)
		wantError[*Error](t, err)
	}
}

// Whatever byte changes, reading everything finds out, unless it is one that
// carries nothing.
func TestBundleFlipped(t *testing.T) {
	f, _ := bundled()
	whole := f.tar(t)
	file := filepath.Join(t.TempDir(), "bundle.tar")
	names := map[int64]string{}
	write(t, file, whole)
	b, err := openTar(file)
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	for name, part := range b.parts {
		for at := part.offset; at < part.offset+part.size; at++ {
			names[at] = name
		}
	}
	for at := 0; at < len(whole); at += 101 {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 0x20
		write(t, file, flipped)
		err := readAll(file)
		if blob := strings.HasPrefix(names[int64(at)], "blobs/"); err == nil && blob {
			t.Errorf("a flipped byte of %s is not noticed", names[int64(at)])
		}
	}
}

// readAll reads every blob that a bundle's manifests name.
func readAll(file string) error {
	s, err := Open(file)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, d := range s.Index().Manifests {
		repo := s.Repository(d.Annotations[AnnotationRepository])
		_, data, err := repo.Manifest(context.Background(), d.Digest.String())
		if err != nil {
			return err
		}
		var m ocispec.Manifest
		if err := json.Unmarshal(data, &m); err != nil {
			return err
		}
		for _, l := range append(m.Layers, m.Config) {
			if _, err := readBlob(repo, l); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestBundleRefused(t *testing.T) {
	good := func() files { f, _ := bundled(); return f }
	for name, tc := range map[string]struct {
		change    func(f files)
		integrity bool
	}{
		"no oci-layout":      {func(f files) { delete(f, "oci-layout") }, false},
		"other version":      {func(f files) { f["oci-layout"] = []byte(`{"imageLayoutVersion":"2.0.0"}`) }, false},
		"no index":           {func(f files) { delete(f, "index.json") }, false},
		"broken index":       {func(f files) { f["index.json"] = []byte("{") }, false},
		"no digest":          {func(f files) { f.entry(ocispec.Descriptor{Digest: "sha256:../../../etc/passwd"}, "x") }, false},
		"missing blob":       {func(f files) { f.entry(ocispec.Descriptor{Digest: digest.FromString("gone"), Size: 4}, "x") }, true},
		"no lock":            {func(f files) { f.annotate(AnnotationLock, digest.FromString("x").String()); delete(f, LockFile) }, false},
		"blob of other size": {func(f files) { d := f.blob([]byte("here")); d.Size = 5; f.entry(d, "x") }, true},
	} {
		f := good()
		tc.change(f)
		file := filepath.Join(t.TempDir(), "bundle.tar")
		write(t, file, f.tar(t))
		for _, path := range []string{file, f.folder(t, t.TempDir())} {
			_, err := Open(path)
			if tc.integrity {
				wantError[*artifact.IntegrityError](t, err)
			} else if e := wantError[*Error](t, err); e.Path != path {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for name, h := range map[string]tar.Header{
		"link":   {Name: "blobs/x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		"device": {Name: "blobs/x", Typeflag: tar.TypeChar},
		"above":  {Name: "blobs/../../x", Typeflag: tar.TypeReg},
		"folder": {Name: "../x/", Typeflag: tar.TypeDir},
		"root":   {Name: "/etc/x", Typeflag: tar.TypeReg},
		"slash":  {Name: `..\x`, Typeflag: tar.TypeReg},
		"twice":  {Name: "./index.json", Typeflag: tar.TypeReg},
	} {
		var buf bytes.Buffer
		w := tar.NewWriter(&buf)
		w.WriteHeader(&tar.Header{Name: "index.json", Typeflag: tar.TypeReg})
		w.WriteHeader(&h)
		w.Close()
		file := filepath.Join(t.TempDir(), "bundle.tar")
		write(t, file, buf.Bytes())
		_, err := Open(file)
		wantError[*Error](t, err)
		t.Log(name, err)
	}
	text := filepath.Join(t.TempDir(), "bundle.tar")
	write(t, text, []byte(strings.Repeat("no tar at all\n", 100)))
	_, err := Open(text)
	wantError[*Error](t, err)
	_, err = Open(filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
