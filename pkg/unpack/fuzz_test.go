package unpack

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// counted fails the test when more comes than may.
type counted struct{ n int64 }

func (c *counted) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(io.Discard, r)
	c.n += n
	return n, err
}

// FuzzArchive feeds a layer's bytes as they are, and as a tar that may be
// compressed, so that the decoders do not stand between the fuzzer and the tar.
func FuzzArchive(f *testing.F) {
	whole := makeTar(f, reg("README", "hi"), reg("schemahero-postgres", "\x7fELF"))
	for _, s := range []string{"", whole, gz(f, whole), zst(f, whole), "\x7fELF", "#!/bin/sh\n", gz(f, "\x7fELF"),
		makeTar(f, special("x", tar.TypeSymlink, "/etc")), "PK\x03\x04"} {
		f.Add([]byte(s), byte(0))
	}
	f.Add([]byte(whole), byte(1))
	f.Add([]byte(whole), byte(2))
	f.Fuzz(func(t *testing.T, data []byte, pack byte) {
		layer := string(data)
		switch pack % 4 {
		case 1:
			layer = gz(t, layer)
		case 2:
			layer = zst(t, layer)
		case 3:
			layer = makeTar(t, reg("schemahero-postgres", layer))
		}
		d := Driver{Name: "postgres", Platform: linux, Size: int64(len(layer))}
		var w counted
		src := strings.NewReader(layer)
		err := New().Extract(src, &w, d)
		if w.n > limit(d.Size) {
			t.Errorf("%d bytes came out of %d", w.n, len(layer))
		}
		if err != nil && !errors.As(err, new(*Error)) {
			t.Errorf("error %v of no type", err)
		}
		if err == nil && (src.Len() != 0 || w.n == 0) {
			t.Errorf("accepted, with %d bytes unread and %d written", src.Len(), w.n)
		}
		if err == nil {
			facts(t, layer, d)
		}
		entries := 0
		listed := New().List(strings.NewReader(layer), d.Size, func(*tar.Header) bool { entries++; return true })
		if listed != nil && !errors.As(listed, new(*Error)) || entries > maxEntries {
			t.Errorf("listed %d entries, error %v", entries, listed)
		}
		if err == nil && pack%4 == 3 && w.n != int64(len(data)) {
			t.Errorf("%d bytes came out for %d put in", w.n, len(data))
		}
	})
}

// FuzzEntry puts one entry with an arbitrary header beside the driver.
func FuzzEntry(f *testing.F) {
	f.Add("README", byte(tar.TypeReg), "", "text", "comment", "x")
	f.Add("../x", byte(tar.TypeSymlink), "/etc/passwd", "", "GNU.sparse.major", "1")
	f.Fuzz(func(t *testing.T, name string, kind byte, link, data, key, value string) {
		h := tar.Header{Name: name, Typeflag: kind, Linkname: link, Size: int64(len(data))}
		if key != "" {
			h.PAXRecords = map[string]string{key: value}
		}
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if w.WriteHeader(&h) != nil {
			t.Skip()
		}
		if _, err := io.WriteString(w, data); err != nil {
			t.Skip()
		}
		w.WriteHeader(&tar.Header{Name: "schemahero-postgres", Typeflag: tar.TypeReg, Size: 6})
		io.WriteString(w, "driver")
		if w.Close() != nil {
			t.Skip()
		}
		var out bytes.Buffer
		err := New().Extract(bytes.NewReader(b.Bytes()), &out, Driver{Name: "postgres", Platform: linux, Size: int64(b.Len())})
		if err == nil && out.String() != "driver" {
			t.Errorf("extracted %q", out.String())
		}
		if err == nil && (kind != tar.TypeReg && kind != 0 && kind != tar.TypeDir && kind != tar.TypeXGlobalHeader ||
			strings.HasPrefix(name, "/") || strings.Contains("/"+name+"/", "/../")) {
			t.Errorf("accepted %q of type %q", name, kind)
		}
	})
}
