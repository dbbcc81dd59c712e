package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// told is an error as a person reads it: what is wrong, and lines below that.
type told struct {
	headline string
	below    []string
}

// Failure tells an error: all that is wrong, and for a file also the place. timeout is
// the value of --timeout.
func (u *UI) Failure(err error, timeout time.Duration) {
	for _, t := range u.describe(err, timeout) {
		u.Error(t.headline, t.below...)
	}
}

// describe returns what is told of an error, each headline once.
func (u *UI) describe(err error, timeout time.Duration) []told {
	var all []told
	seen := map[string]bool{}
	for _, e := range fault.Each(err) {
		for _, t := range u.describeOne(e, timeout) {
			if !seen[t.headline] {
				all = append(all, t)
			}
			seen[t.headline] = true
		}
	}
	return all
}

func (u *UI) describeOne(err error, timeout time.Duration) []told {
	if file, ok := errors.AsType[*diag.Error](err); ok {
		return u.describeFile(file)
	}
	if stale, ok := errors.AsType[*project.StaleError](err); ok {
		return []told{u.describeStale(stale)}
	}
	text := err.Error()
	if errors.As(err, new(*resolve.ConflictError)) {
		text = "no versions go together:\n" + text // the proof begins a line
	}
	if timeout > 0 && errors.Is(err, context.DeadlineExceeded) {
		text = fmt.Sprintf("timeout: not done within %s", timeout)
	}
	lines := strings.Split(u.Shorten(text), "\n")
	return []told{{lines[0], append(lines[1:], DriverSaid(err)...)}}
}

// maxSaid is how many lines of a driver's standard error are told, and how many
// bytes of each.
const (
	maxSaid     = 10
	maxSaidLine = 200
)

// DriverSaid returns the end of what a driver that failed its probe wrote to
// standard error.
func DriverSaid(err error) (lines []string) {
	var handshake *probe.HandshakeError
	var timeout *probe.TimeoutError
	text := ""
	switch {
	case errors.As(err, &handshake):
		text = handshake.Stderr
	case errors.As(err, &timeout):
		text = timeout.Stderr
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		lines = append(lines, "  it wrote: "+strings.ToValidUTF8(line[:min(len(line), maxSaidLine)], ""))
	}
	return lines[max(0, len(lines)-maxSaid):]
}

// maxProblems is how many problems of one file are told: nobody reads more, and
// a hostile file can have a million.
const maxProblems = 100

// describeFile tells every problem of a file, each with its line and a caret.
func (u *UI) describeFile(e *diag.Error) []told {
	var all []told
	for i, p := range e.Problems {
		if i == maxProblems {
			all = append(all, told{headline: fmt.Sprintf("%s: and %d more problems", u.Rel(p.File), len(e.Problems)-i)})
			break
		}
		at := p.Position
		at.File = u.Rel(at.File)
		t := told{headline: fmt.Sprintf("%s: %s", at, p.Text)}
		if s := strings.TrimRight(e.Snippet(p), "\n"); s != "" {
			for l := range strings.SplitSeq(s, "\n") {
				t.below = append(t.below, "  "+l)
			}
		}
		all = append(all, t)
	}
	return all
}

func (u *UI) describeStale(e *project.StaleError) told {
	if e.Missing {
		return told{headline: u.Rel(e.File) + ": there is no lock"}
	}
	t := told{headline: u.Rel(e.File) + ": out of date"}
	for _, d := range e.Differences {
		t.below = append(t.below, "  "+d.String())
	}
	return t
}
