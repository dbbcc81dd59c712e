package install

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// readReceipt reads a receipt's file: one for each driver, at every sync.
func readReceipt(file string) (string, error) {
	// O_NONBLOCK spares a call to epoll, which refuses regular files.
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var begin [2 << 10]byte // enough for most
	for n := 0; n < len(begin); {
		more, err := f.Read(begin[n:])
		if n += more; err == io.EOF {
			return string(begin[:n]), nil
		}
		if err != nil {
			return "", err
		}
	}
	rest, err := io.ReadAll(f)
	return string(begin[:]) + string(rest), err
}

var errReceipt = errors.New("is not a receipt")

// parseReceipt reads a receipt. Only what could do harm is checked: the
// digests lead to files.
func parseReceipt(text string) (*Receipt, error) {
	r, ok := parseWritten(text)
	if !ok {
		r = Receipt{}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, err
		}
	}
	if !filepath.IsAbs(r.Path) || !artifact.IsDigest(string(r.Layer)) || !artifact.IsDigest(string(r.SHA256)) {
		return nil, errReceipt
	}
	return &r, nil
}

// parseWritten reads a receipt in exactly the form that write gives most of them; ok
// is false for any other. encoding/json takes ten times as long, which was a fifth of
// what a driver costs a sync with nothing to do.
func parseWritten(text string) (r Receipt, ok bool) {
	w := &written{rest: text}
	w.skip("{\n")
	r.Path = w.text("path")
	r.Name = w.text("name")
	r.Plugin = w.text("plugin")
	r.Version = w.text("version")
	r.Repository = w.text("repository")
	platform := w.text("platform")
	r.Layer = digest.Digest(w.text("layer"))
	r.SHA256 = digest.Digest(w.text("sha256"))
	r.Size = w.number("size")
	r.Mtime = w.number("mtime")
	r.Ctime = w.number("ctime")
	r.Inode = uint64(w.number("inode"))
	w.skip("  \"claims\": [\n")
	claims, end, found := strings.Cut(w.rest, "\n  ]\n}\n")
	for claim := range strings.SplitSeq(claims, ",\n") {
		indented, quoted := strings.CutPrefix(claim, "    ")
		r.Claims = append(r.Claims, Claim(w.unquote(indented)))
		w.bad = w.bad || !quoted
	}
	var err error
	r.Platform, err = artifact.ParsePlatform(platform)
	return r, !w.bad && err == nil && found && end == ""
}

// written is the rest of a text, and whether anything in it was not as expected.
type written struct {
	rest string
	bad  bool
}

func (w *written) skip(s string) {
	rest, ok := strings.CutPrefix(w.rest, s)
	w.rest, w.bad = rest, w.bad || !ok
}

// value takes a line with a key.
func (w *written) value(key string) string {
	w.skip("  \"")
	w.skip(key)
	w.skip("\": ")
	value, rest, ok := strings.Cut(w.rest, ",\n")
	w.rest, w.bad = rest, w.bad || !ok
	return value
}

func (w *written) text(key string) string { return w.unquote(w.value(key)) }

// unquote returns an ASCII string without its quotes. One with an escape is bad.
func (w *written) unquote(quoted string) string {
	s := strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`)
	w.bad = w.bad || len(s) != len(quoted)-2
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			w.bad = true
		}
	}
	return s
}

// number returns a number that is not negative and has no leading zero.
func (w *written) number(key string) int64 {
	value := w.value(key)
	n, err := strconv.ParseUint(value, 10, 63)
	w.bad = w.bad || err != nil || len(value) > 1 && value[0] == '0'
	return int64(n)
}
