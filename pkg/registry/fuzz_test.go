package registry

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func FuzzDecodeNames(f *testing.F) {
	f.Add(`{"name":"a","tags":["1","2"]}`)
	f.Add(`{"tags":null,"x":{"tags":[1]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := decodeNames(strings.NewReader(text), "tags")
		var want struct {
			Tags []string `json:"tags"`
		}
		// encoding/json is laxer: case, elements that are null, what follows.
		exact := strings.Count(text, `"tags"`) == 1 && strings.Count(strings.ToLower(text), "tags") == 1
		if err == nil && json.Unmarshal([]byte(text), &want) == nil && exact && !slices.Equal(got, want.Tags) {
			t.Errorf("%s: %q, want %q", text, got, want.Tags)
		}
	})
}

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

// A range that is taken is the one that was asked for.
func FuzzContentRange(f *testing.F) {
	f.Add("bytes 5-9/10")
	f.Add("bytes 5-9/*")
	f.Add("bytes 5-9")
	fits := regexp.MustCompile(`^bytes \+?0*5-\+?0*9/(\*|10)$`)
	f.Fuzz(func(t *testing.T, span string) {
		if rangeFits(span, 5, 10) && !fits.MatchString(span) {
			t.Errorf("%q fits", span)
		}
	})
}
