package diag

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Position is a place in a file. Line and Column begin at 1; a column is a
// character (a Unicode code point), not a byte. The zero value is not a place.
type Position struct {
	File         string
	Line, Column int
}

// String returns file:line:column, as compilers and editors write it.
func (p Position) String() string {
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
}

// Problem is one thing that is wrong in a file.
type Problem struct {
	Position
	Width int    // how many characters it covers; 0 counts as 1
	Text  string // "subject: problem", lower case, one line
	Cause error  // what found it, of which Text tells; nil for the reader itself
}

// String returns "file:line:column: text".
func (p Problem) String() string { return p.Position.String() + ": " + p.Text }

// Error holds all the problems of one file, sorted by position.
type Error struct {
	Problems []Problem // at least one
	Source   []byte    // the whole file, for Snippet

	lines []int // where each line of Source begins, for many snippets
}

// NewError sorts the problems by position; several at one place keep their
// order.
func NewError(source []byte, problems ...Problem) *Error {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Problems: problems, Source: source, lines: lineStarts(source)}
}

// Texts returns what is wrong without the places, for a text that is in no file
// yet.
func (e *Error) Texts() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.Text
	}
	return strings.Join(texts, "; ")
}

// Error returns one "file:line:column: text" a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (e *Error) Kind() fault.Kind { return fault.Usage }
