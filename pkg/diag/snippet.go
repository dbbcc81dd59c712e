package diag

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// snippetWidth is how many characters of a long line are shown. It leaves room
// for the line number on a terminal of 100 columns.
const snippetWidth = 88

// cell is one character of a line as it is shown.
type cell struct {
	shown string // what is printed for it
	blank string // what keeps the caret line in step with it
}

// Snippet returns the line that p points at and below it a line of carets, both
// behind a margin with the line's number and each ended by a newline:
//
//	4 | postgres = "not a version"
//	  |            ^^^^^^^^^^^^^^^
//
// Tabs stay tabs in both lines, control and other invisible characters are
// shown escaped, and a long line is cut around the caret. The result is "" where
// the source has no such line.
func (e *Error) Snippet(p Problem) string {
	line, ok := e.line(p.Line)
	if !ok {
		return ""
	}
	cells := cellsOf(line)
	at := min(max(p.Column-1, 0), len(cells))
	end := min(at+max(p.Width, 1), max(len(cells), at+1))

	from, to := 0, len(cells)
	if to > snippetWidth {
		from = max(0, min(at-snippetWidth/4, to-snippetWidth))
		to = from + snippetWidth
		end = min(end, max(to, at+1))
	}
	var text, carets strings.Builder
	if from > 0 {
		text.WriteString("…")
		carets.WriteString(" ")
	}
	for i := from; i < to; i++ {
		text.WriteString(cells[i].shown)
		switch {
		case i < at:
			carets.WriteString(cells[i].blank)
		case i < end:
			carets.WriteString(strings.Repeat("^", utf8.RuneCountInString(cells[i].shown)))
		}
	}
	if at >= to { // just behind the last character: something is missing there
		carets.WriteString("^")
	}
	if to < len(cells) {
		text.WriteString("…")
	}
	number := strconv.Itoa(p.Line)
	return fmt.Sprintf(" %s | %s\n %*s | %s\n", number, text.String(), len(number), "", carets.String())
}

// textWidth is how many characters of a problem's text are kept.
const textWidth = 400

// printable returns a text as a terminal can show it.
func printable(text string) string {
	hostile := func(r rune) bool { return !unicode.IsPrint(r) }
	if len(text) <= textWidth && utf8.ValidString(text) && !strings.ContainsFunc(text, hostile) {
		return text // as almost always
	}
	var b strings.Builder
	for i, c := range cellsOf([]byte(text)) {
		if i == textWidth {
			b.WriteString("…")
			break
		}
		b.WriteString(c.shown)
	}
	return b.String()
}

// line returns the n-th line of the source without its line end.
func (e *Error) line(n int) (line []byte, ok bool) {
	starts := e.lines
	if starts == nil { // made without NewError
		starts = lineStarts(e.Source)
	}
	if n < 1 || n > len(starts) || len(e.Source) == 0 {
		return nil, false
	}
	line, _, _ = bytes.Cut(e.Source[starts[n-1]:], []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), true
}

func cellsOf(line []byte) []cell {
	cells := make([]cell, 0, len(line))
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		c := cell{shown: string(line[:size]), blank: " "}
		switch {
		case r == '\t':
			c.blank = "\t"
		case r == utf8.RuneError && size == 1:
			c.shown = fmt.Sprintf(`\x%02x`, line[0])
		case !unicode.IsPrint(r):
			// Escape sequences move the cursor and bidirectional marks turn the
			// text around: neither may reach a terminal.
			quoted := strconv.QuoteRuneToASCII(r)
			c.shown = quoted[1 : len(quoted)-1]
		}
		if n := utf8.RuneCountInString(c.shown); n > 1 {
			c.blank = strings.Repeat(" ", n)
		}
		cells = append(cells, c)
		line = line[size:]
	}
	return cells
}
