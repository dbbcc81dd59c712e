package diag

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sort"
	"unicode/utf8"
)

// Span is a stretch of a document in bytes, from Start up to End.
type Span struct{ Start, End int }

// Document is a TOML file whose keys and values know where they stand. Whoever
// reads it asks Root for keys and values, and Problem or the As… methods of
// Value gather what is wrong; Err returns all of it at once:
//
//	doc := diag.ParseTOML(file, data)
//	doc.Root.Only("version", "plugin")            // any other key is a problem
//	if n, ok := doc.Root.Get("version").AsInt(); ok { … }
//	for _, t := range doc.Root.Get("plugin").AsTables() {
//		name, ok := t.Need("name").AsString()     // missing or no string: a problem
//	}
//	return doc.Err()
//
// Syntax errors and keys defined twice are among the problems; what could be
// read of the file is there nevertheless.
type Document struct {
	File   string
	Source []byte
	Root   *Table

	problems []problem
	closed   bool  // what is wrong makes anything else that is found noise
	lines    []int // where each line begins; nil until somebody asks: of most locks nobody does
	last     place // the place asked for last: the next one is mostly near
}

type problem struct {
	Span
	text  string
	cause error
}

type place struct{ offset, line, column int }

// TooLarge is the size in bytes above which ParseTOML refuses a document. Such
// files are written by people; a larger one is no work of theirs.
const TooLarge = 1 << 20

// NewDocument returns a document without keys and values, to report problems
// that are found before there is anything to parse.
func NewDocument(file string, data []byte) *Document {
	d := &Document{File: file, Source: data[:len(data):len(data)]}
	d.last = place{0, 1, 1}
	d.Root = &Table{doc: d, by: byHeader}
	return d
}

func lineStarts(source []byte) []int {
	starts := []int{0}
	for i, c := range source {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// Problem adds a problem; format and args are those of fmt.Sprintf. What comes
// from the file may be hostile: characters that a terminal would act on are
// escaped, and a long text is cut.
func (d *Document) Problem(at Span, format string, args ...any) {
	if d.closed {
		return
	}
	d.problems = append(d.problems, newProblem(at, format, args))
}

func newProblem(at Span, format string, args []any) problem {
	p := problem{Span: at, text: printable(fmt.Sprintf(format, args...))}
	for _, a := range args {
		if err, ok := a.(error); ok {
			p.cause = err
		}
	}
	return p
}

// only makes a problem the only one: what follows from it is noise.
func (d *Document) only(at Span, format string, args ...any) {
	d.problems = nil
	d.Problem(at, format, args...)
	d.closed = true
}

// Err returns all the problems as an *Error, or nil if there are none.
func (d *Document) Err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b problem) int { return cmp.Compare(a.Start, b.Start) })
	problems := make([]Problem, len(d.problems))
	for i, p := range d.problems {
		problems[i] = d.placed(p)
	}
	return NewError(d.Source, problems...)
}

func (d *Document) placed(p problem) Problem {
	return Problem{d.Position(p.Start), d.width(p.Span), p.text, p.cause}
}

// At returns the one-problem error for a span, for what is found wrong only
// after the document was read.
func (d *Document) At(at Span, format string, args ...any) *Error {
	return NewError(d.Source, d.placed(newProblem(at, format, args)))
}

// Line returns the line of a byte offset.
func (d *Document) Line(offset int) int {
	if d.lines == nil {
		d.lines = lineStarts(d.Source)
	}
	return sort.SearchInts(d.lines, offset+1)
}

// Position returns line and column of a byte offset.
func (d *Document) Position(offset int) Position {
	offset = min(max(offset, 0), len(d.Source))
	at := place{offset: offset, line: d.Line(offset)}
	// Counting from the place before keeps a file of one long line linear.
	switch {
	case at.line != d.last.line:
		at.column = 1 + utf8.RuneCount(d.Source[d.lines[at.line-1]:offset])
	case offset >= d.last.offset:
		at.column = d.last.column + utf8.RuneCount(d.Source[d.last.offset:offset])
	default:
		at.column = d.last.column - utf8.RuneCount(d.Source[offset:d.last.offset])
	}
	d.last = at
	return Position{d.File, at.line, at.column}
}

// width counts the characters of a span on its first line.
func (d *Document) width(s Span) int {
	text, _, _ := bytes.Cut(d.Source[min(s.Start, len(d.Source)):min(max(s.Start, s.End), len(d.Source))], []byte("\n"))
	return max(1, utf8.RuneCount(bytes.TrimSuffix(text, []byte("\r"))))
}
