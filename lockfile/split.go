package lockfile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// sides are the texts that stand together in a file with conflict markers.
type sides struct {
	ours, base, theirs side
	hasBase            bool // every conflict shows its base
}

// side is one of the texts, with the place that each of its lines had.
type side struct {
	text  []byte
	lines []int  // by line of text, from 0: the line in the file, from 1
	hunk  []bool // by line of text: whether it stands in a conflict
}

func (s *side) add(line []byte, n int, hunk bool) {
	s.text = append(s.text, line...)
	s.lines = append(s.lines, n)
	s.hunk = append(s.hunk, hunk)
}

// place puts the problems of a side where they are in the file.
func (s *side) place(err error) error {
	var d *diag.Error
	if !errors.As(err, &d) {
		return err
	}
	for i := range d.Problems {
		p := &d.Problems[i]
		switch at := p.Line - 1; {
		case at < len(s.lines):
			p.Line = s.lines[at]
		case len(s.lines) > 0: // behind the last line end
			p.Line = s.lines[len(s.lines)-1] + 1
		}
	}
	return err
}

// UnmergedError says that the sides of a lock cannot be told by its conflict
// markers: some are missing or out of order, or there are more than two sides.
// It wraps the *diag.Error with the places.
type UnmergedError struct {
	File     string
	Problems *diag.Error
}

// Error returns the problems, one "file:line:column: text" a line.
func (e *UnmergedError) Error() string    { return e.Problems.Error() }
func (e *UnmergedError) Kind() fault.Kind { return fault.Usage }

// Unwrap returns the *diag.Error.
func (e *UnmergedError) Unwrap() error { return e.Problems }

// split takes a file apart at its conflict markers. The error is an
// *UnmergedError.
func split(file string, data []byte) (*sides, error) {
	s := &splitter{sides: sides{hasBase: true}, file: file, in: diag.EndMark}
	for line := range bytes.Lines(data) {
		s.n++
		s.line(line)
	}
	if s.in != diag.EndMark && s.problems == nil {
		s.n = s.began
		s.problem("conflict without its >>>>>>> line")
	}
	if s.problems != nil {
		return nil, &UnmergedError{file, diag.NewError(data, s.problems...)}
	}
	return &s.sides, nil
}

// splitter reads a file line by line. A conflict is a row of sections, each
// behind a marker, and tells the sides and their base:
//
//	git   <<<<<<< side  ||||||| base  ======= side  >>>>>>>
//	jj    <<<<<<<  %%%%%%% base and side, as a diff  +++++++ side  >>>>>>>
//	jj    <<<<<<<  +++++++ side  ------- base  +++++++ side  >>>>>>>
//
// jj has its sections in any order, and more of them where more than two sides
// conflict.
type splitter struct {
	sides
	file     string
	problems []diag.Problem

	n     int                        // the line, from 1
	in    diag.Marker                // the section; EndMark outside every conflict
	began int                        // the line of the conflict's first marker
	size  int                        // of the conflict's markers
	texts int                        // lines since the last marker
	tally struct{ sides, bases int } // of the conflict so far
}

func (s *splitter) problem(text string) {
	s.problems = append(s.problems, diag.Problem{Position: diag.Position{File: s.file, Line: s.n, Column: 1}, Width: s.size, Text: text})
}

func (s *splitter) line(line []byte) {
	m, size := diag.MarkerOf(line)
	switch {
	case m != diag.NoMarker && (s.in == diag.EndMark || size == s.size):
		s.marker(m, size)
	case m != diag.NoMarker && (s.in == diag.BaseMark || s.in == diag.OldMark):
		s.hasBase = false // it is itself the merge of two, with a conflict left in it
	case m != diag.NoMarker:
		s.problem("conflict marker out of order")
	default:
		s.text(line)
	}
}

func (s *splitter) marker(m diag.Marker, size int) {
	previous, texts := s.in, s.texts
	s.in, s.texts = m, 0
	jj := previous != diag.BaseMark && previous != diag.SplitMark && (previous != diag.OursMark || texts == 0)
	switch {
	case m == diag.OursMark && previous == diag.EndMark:
		s.began, s.size, s.tally.sides, s.tally.bases = s.n, size, 0, 0
	case previous == diag.EndMark, m == diag.OursMark:
		s.size = size
		s.problem("conflict marker out of order")
	case m == diag.BaseMark && previous == diag.OursMark:
		s.tally.sides, s.tally.bases = 1, 1
	case m == diag.SplitMark && previous == diag.OursMark:
		s.tally.sides = 2
	case m == diag.SplitMark && previous == diag.BaseMark:
		s.tally.sides = 2
	case m == diag.DiffMark && jj:
		s.tally.sides++
		s.tally.bases++
	case m == diag.DiffToMark && previous == diag.DiffMark && texts == 0:
		s.in = diag.DiffMark
	case m == diag.SnapshotMark && jj:
		s.tally.sides++
	case m == diag.OldMark && jj:
		s.tally.bases++
	case m == diag.EndMark && previous != diag.OursMark && previous != diag.BaseMark:
		s.end()
	default:
		s.problem("conflict marker out of order")
	}
}

// end closes a conflict.
func (s *splitter) end() {
	if s.tally.sides != 2 && s.problems == nil {
		s.problem(fmt.Sprintf("sides of the conflict: %d, and only two can be merged", s.tally.sides))
	}
	if s.tally.bases != 1 {
		s.hasBase = false
	}
}

// text gives a line to the sides that have it.
func (s *splitter) text(line []byte) {
	s.texts++
	switch s.in {
	case diag.EndMark:
		for _, side := range []*side{&s.ours, &s.base, &s.theirs} {
			side.add(line, s.n, false)
		}
	case diag.BaseMark, diag.OldMark:
		s.base.add(line, s.n, true)
	case diag.DiffMark:
		s.diffed(line)
	default:
		s.current().add(line, s.n, true)
	}
}

// diffed takes a line of a diff: of the base, of the side, or of both.
func (s *splitter) diffed(line []byte) {
	sign, rest := line[0], line[1:]
	if len(bytes.TrimRight(line, "\r\n")) == 0 {
		sign, rest = ' ', line // an editor cut the blank
	}
	switch sign {
	case '-', '+', ' ':
	default:
		s.problem("not a line of a diff")
	}
	if sign != '+' {
		s.base.add(rest, s.n, true)
	}
	if sign != '-' {
		s.current().add(rest, s.n, true)
	}
}

// current is the side that is being read. git's first has no marker but the
// conflict's own.
func (s *splitter) current() *side {
	if s.tally.sides < 2 {
		return &s.ours
	}
	return &s.theirs
}
