package lockfile

import (
	"bytes"
	"errors"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// sides are the texts that git put together in a file with conflict markers.
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

// split takes a file apart at its conflict markers. The error is a *diag.Error.
func split(file string, data []byte) (*sides, error) {
	s := &sides{hasBase: true}
	var problems []diag.Problem
	problem := func(n int, text string) {
		problems = append(problems, diag.Problem{Position: diag.Position{File: file, Line: n, Column: 1}, Width: markerSize, Text: text})
	}
	in, began, n := endMark, 0, 0 // endMark: outside every conflict
	for line := range bytes.Lines(data) {
		n++
		m := markerOf(line)
		switch {
		case m == noMarker:
			s.add(in, line, n)
			continue
		case m == oursMark && in == endMark:
			began = n
		case m == baseMark && in == oursMark:
		case m == splitMark && in == oursMark:
			s.hasBase = false
		case m == splitMark && in == baseMark:
		case m == endMark && in == splitMark:
		default:
			problem(n, "conflict marker out of order")
		}
		in = m
	}
	if in != endMark && problems == nil {
		problem(began, "conflict without its >>>>>>> line")
	}
	if problems != nil {
		return nil, diag.NewError(data, problems...)
	}
	return s, nil
}

// add gives a line to the sides that have it; in is the marker before it.
func (s *sides) add(in marker, line []byte, n int) {
	if in == oursMark || in == endMark {
		s.ours.add(line, n, in != endMark)
	}
	if in == baseMark || in == endMark {
		s.base.add(line, n, in != endMark)
	}
	if in == splitMark || in == endMark {
		s.theirs.add(line, n, in != endMark)
	}
}
