package ocilayout

import (
	"bytes"
	"path/filepath"
	"testing"
)

func FuzzOpenTar(f *testing.F) {
	good, _ := bundled()
	f.Add(good.tar(f))
	f.Add(files{"a": []byte("x")}.tar(f))
	file := filepath.Join(f.TempDir(), "bundle.tar")
	f.Fuzz(func(t *testing.T, data []byte) {
		write(t, file, data)
		b, err := openTar(file)
		if err != nil {
			return
		}
		defer b.Close()
		if len(data) < 1024 || !bytes.Equal(data[len(data)-1024:], make([]byte, 1024)) {
			t.Error("a tar without its end is taken")
		}
		for name, part := range b.parts {
			if part.offset < 0 || part.size < 0 || part.offset+part.size > int64(len(data)) {
				t.Errorf("%s is at %+v of %d bytes", name, part, len(data))
			}
		}
	})
}
