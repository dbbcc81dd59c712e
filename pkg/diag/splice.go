package diag

import (
	"bytes"
	"slices"
)

func splice(source []byte, at Span, text string) []byte {
	return slices.Concat(source[:at.Start], []byte(text), source[at.End:])
}

// newline returns the line end that the document uses first.
func newline(source []byte) string {
	if i := bytes.IndexByte(source, '\n'); i > 0 && source[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// lines returns the whole lines that a span touches, their line ends included.
func lines(source []byte, s Span) Span {
	out := Span{bytes.LastIndexByte(source[:s.Start], '\n') + 1, len(source)}
	if i := bytes.IndexByte(source[s.End:], '\n'); i >= 0 {
		out.End = s.End + i + 1
	}
	return out
}

// insertLine adds a line below the expression in a span, as deep as that.
func insertLine(source []byte, below Span, text string) []byte {
	whole := lines(source, below)
	line := source[whole.Start:whole.End]
	indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
	text = string(indent) + text
	nl := newline(line)
	if !bytes.HasSuffix(line, []byte("\n")) { // the end of a file without a last newline
		text = newline(source) + text
	} else {
		text += nl
	}
	return splice(source, Span{whole.End, whole.End}, text)
}

// cutLines removes the lines of the expression in a span.
func cutLines(source []byte, s Span) []byte {
	whole := lines(source, s)
	if whole.End == len(source) && !bytes.HasSuffix(source, []byte("\n")) {
		// The file has no last newline and keeps none.
		whole.Start = len(bytes.TrimSuffix(bytes.TrimSuffix(source[:whole.Start], []byte("\n")), []byte("\r")))
	}
	return splice(source, whole, "")
}

// cutItem removes a key with its value from within braces, and one comma.
func cutItem(source []byte, s Span) []byte {
	const blank = " \t\r\n"
	rest := bytes.TrimLeft(source[s.End:], blank)
	if bytes.HasPrefix(rest, []byte(",")) {
		rest = bytes.TrimLeft(rest[1:], " \t")
		return splice(source, Span{s.Start, len(source) - len(rest)}, "")
	}
	before := bytes.TrimRight(source[:s.Start], blank)
	if bytes.HasSuffix(before, []byte(",")) {
		s.Start = len(before) - 1
	}
	return splice(source, s, "")
}
