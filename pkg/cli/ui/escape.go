package ui

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Escape makes text from a registry, a file or a command line harmless to a
// terminal: control characters, and those that turn the direction of text or
// break lines, are written as Go and JSON write them in a string.
func Escape(s string) string { return escape(s, control) }

// escapeText is Escape for text of several lines, whose line ends and tabs are its
// own.
func escapeText(s string) string {
	return escape(s, func(r rune) bool { return r != '\n' && r != '\t' && control(r) })
}

// control reports whether a terminal or a reader could take a character for
// something else than itself: C0, DEL, C1, bidirectional controls (UAX #9), line
// and paragraph separators.
func control(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

func escape(s string, bad func(rune) bool) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, bad) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd"):
			fmt.Fprintf(&b, `\x%02x`, s[i]) // no UTF-8: an old terminal's C1, say
		case bad(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// writer escapes what is written to a stream, but line ends and tabs. Each Write
// must end between two characters, as those of fmt, cobra and the printers do.
type writer struct{ w io.Writer }

// Write implements io.Writer.
func (e writer) Write(data []byte) (int, error) {
	if text := escapeText(string(data)); text != string(data) {
		if _, err := io.WriteString(e.w, text); err != nil {
			return 0, err
		}
		return len(data), nil
	}
	return e.w.Write(data)
}

// Lines writes text for a person, line by line. Nothing in what a line is made of
// can end it.
type Lines struct{ w io.Writer }

// NewLines returns Lines that go to a stream.
func NewLines(w io.Writer) Lines { return Lines{w} }

// Line writes one line, made as fmt.Sprintf makes it.
func (l Lines) Line(format string, args ...any) {
	fmt.Fprintln(l.w, Escape(fmt.Sprintf(format, args...)))
}

// Text writes text whose line ends are its own.
func (l Lines) Text(text string) {
	for line := range strings.Lines(text) {
		l.Line("%s", strings.TrimSuffix(line, "\n"))
	}
}
