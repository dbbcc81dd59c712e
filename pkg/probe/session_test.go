package probe

import (
	"bytes"
	"encoding/gob"
	"io"
	"strings"
	"testing"
)

// A driver that names a socket with an escape sequence in it does not reach the
// terminal with that.
func TestSocketName(t *testing.T) {
	address, err := parseHandshake("/driver", "1|1|unix|/none/\x1b[31m|netrpc|")
	if err != nil {
		t.Fatal(err)
	}
	_, err = connect(t.Context(), address)
	if err == nil {
		t.Fatal("connected")
	}
	if err = explain(err, &process{path: "/driver", stderr: &tail{}}); strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%q", err)
	}
}

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
		if err == nil {
			return
		}
		if err = explain(err, &process{path: "/driver", stderr: &tail{}}); strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("control characters in %q", err)
		}
	})
}
