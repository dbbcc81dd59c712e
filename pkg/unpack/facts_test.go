package unpack

import (
	"archive/tar"
	"bytes"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// facts reads a layer in both ways, which have to come to the same.
func facts(t *testing.T, layer string, d Driver) Facts {
	t.Helper()
	var out, again bytes.Buffer
	d.Size = int64(len(layer))
	whole, err := New().Read(strings.NewReader(layer), &out, d, true)
	framed, failed := New().Read(strings.NewReader(layer), &again, d, false)
	if (err == nil) != (failed == nil) || out.String() != again.String() {
		t.Fatalf("%v with its digest, %v without", err, failed)
	}
	if err != nil {
		t.Fatal(err)
	}
	if frame := framed.Frame; frame != nil {
		var err error
		if framed.DiffID, err = frame.DiffID(&again); err != nil {
			t.Fatal(err)
		}
		framed.Frame = nil
		if framed != whole {
			t.Errorf("with a frame: %+v\nwithout:      %+v", framed, whole)
		}
	} else if whole.DiffID = ""; framed != whole {
		t.Errorf("facts %+v, without the digest %+v", whole, framed)
	}
	return framed
}

// TestFactsKeepNothing: facts of many layers are kept, and their readers, with all
// the buffers that these have, must not be with them.
func TestFactsKeepNothing(t *testing.T) {
	const name = "schemahero-postgres-linux-amd64"
	layer := makeTar(t, reg(name, "\x7fELF the driver"))
	u := New()
	read := func() (Facts, weak.Pointer[strings.Reader]) {
		r := strings.NewReader(layer)
		f, err := u.Read(r, new(bytes.Buffer), Driver{Name: "postgres", Platform: linux, Size: int64(len(layer))}, false)
		if err != nil || f.Frame == nil {
			t.Fatalf("%+v, %v", f, err)
		}
		return f, weak.Make(r)
	}
	f, reader := read()
	runtime.GC()
	if reader.Value() != nil {
		t.Error("the reader of a layer lives as long as what was learnt of it")
	}
	runtime.KeepAlive(f)
}

func TestFacts(t *testing.T) {
	const name = "schemahero-postgres-linux-amd64"
	d := Driver{Name: "postgres", Platform: linux}
	entry := func(change func(*tar.Header)) string {
		f := reg(name, "\x7fELF the driver")
		change(&f.Header)
		return makeTar(t, f)
	}
	plain := entry(func(*tar.Header) {})
	good := Facts{MediaType: ocispec.MediaTypeImageLayer, DiffID: digest.FromString(plain), Entry: name, Plain: true, Root: true}
	for layer, mediaType := range map[string]string{
		plain: ocispec.MediaTypeImageLayer, gz(t, plain): ocispec.MediaTypeImageLayerGzip, zst(t, plain): ocispec.MediaTypeImageLayerZstd,
		gz(t, plain[:900]) + gz(t, plain[900:]): ocispec.MediaTypeImageLayerGzip,
	} {
		want := good
		want.MediaType = mediaType
		if got := facts(t, layer, d); got != want {
			t.Errorf("%s: %+v", mediaType, got)
		}
	}
	for _, bare := range []string{"\x7fELF", gz(t, "\x7fELF")} {
		if got := facts(t, bare, d); got != (Facts{}) {
			t.Errorf("bare executable: %+v", got)
		}
	}
	for what, tt := range map[string]struct {
		layer       string
		plain, root bool
	}{
		"0555":            {entry(func(h *tar.Header) { h.Mode = 0o555 }), true, true},
		"0775":            {entry(func(h *tar.Header) { h.Mode = 0o775 }), true, true},
		"type bits":       {entry(func(h *tar.Header) { h.Mode = 0o100755 }), true, true},
		"a user's":        {entry(func(h *tar.Header) { h.Uid = 1001 }), true, false},
		"a group's":       {entry(func(h *tar.Header) { h.Gid = 127 }), true, false},
		"named":           {entry(func(h *tar.Header) { h.Uname, h.Gname = "runner", "docker" }), true, true},
		"times":           {entry(func(h *tar.Header) { h.Format, h.PAXRecords = tar.FormatPAX, map[string]string{"mtime": "1.5"} }), true, true},
		"0700":            {entry(func(h *tar.Header) { h.Mode = 0o700 }), false, true},
		"0644":            {entry(func(h *tar.Header) { h.Mode = 0o644 }), false, true},
		"for others":      {entry(func(h *tar.Header) { h.Mode = 0o757 }), false, true},
		"setuid":          {entry(func(h *tar.Header) { h.Mode = 0o4755 }), false, true},
		"setgid":          {entry(func(h *tar.Header) { h.Mode = 0o2755 }), false, true},
		"sticky":          {entry(func(h *tar.Header) { h.Mode = 0o1755 }), false, true},
		"capabilities":    {entry(func(h *tar.Header) { h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "x"} }), false, true},
		"bsdtar's xattrs": {entry(func(h *tar.Header) { h.PAXRecords = map[string]string{"LIBARCHIVE.xattr.user.x": "eA"} }), false, true},
	} {
		got := facts(t, tt.layer, d)
		if got.Entry != name || got.Plain != tt.plain || got.Root != tt.root {
			t.Errorf("%s: %+v", what, got)
		}
	}
	comment := file{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "a commit"}}, ""}
	for what, layer := range map[string]string{
		"a folder":   makeTar(t, special("./", tar.TypeDir, ""), reg(name, "x")),
		"a licence":  makeTar(t, reg(name, "x"), reg("LICENSE", "y")),
		"git's note": makeTar(t, comment, reg(name, "x")),
	} {
		if got := facts(t, layer, d); got.Entry != "" || !got.Complete() {
			t.Errorf("%s: %+v", what, got)
		}
	}
	if got := facts(t, makeTar(t, reg("./"+name, "x")), d); got.Entry != "./"+name {
		t.Errorf("./: %+v", got)
	}

	// What a frame cannot hold has to be asked for.
	long := plain + strings.Repeat("\x00", maxFrame)
	padded := strings.Replace(plain, "driver\x00", "driver!", 1) // in the padding behind the file
	for what, layer := range map[string]string{"long": long, "padded": padded} {
		if got := facts(t, layer, d); got.Complete() {
			t.Errorf("%s: %+v", what, got)
		}
	}
	if _, err := (&Frame{Tail: -1}).DiffID(strings.NewReader("")); err == nil {
		t.Error("a frame of -1 bytes has a digest")
	}
}
