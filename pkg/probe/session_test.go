package probe

import (
	"bytes"
	"encoding/gob"
	"io"
	"strings"
	"testing"
)

// An answer comes from an untrusted program: whatever it is, the call ends, and
// what it says of an error can be printed.
func FuzzAnswer(f *testing.F) {
	type response struct {
		ServiceMethod string
		Seq           uint64
		Error         string
	}
	for _, r := range []response{{"Plugin.Name", 1, ""}, {"Plugin.Name", 1, "no\x1b[31m"}, {"Plugin.Name", 2, ""}} {
		var b bytes.Buffer
		enc := gob.NewEncoder(&b)
		if err := enc.Encode(r); err != nil {
			f.Fatal(err)
		}
		if err := enc.Encode(struct{ Name string }{"postgres"}); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newCaller(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(data), io.Discard})
		var reply struct{ Name string }
		err := c.call("Plugin.Name", struct{}{}, &reply)
		if err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("control characters in %q", err)
		}
	})
}
