package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// Failure is one error as it is told: to a person, or as data.
type Failure struct {
	Err      error         // whose kind and hints count
	Message  string        // what is wrong, of several lines perhaps; what stands before it of a place in a file is in Position
	Position diag.Position // Line is 0 where only the file is known, File is "" if not even that is

	headline string // as a person reads it
	below    []string
}

// Failures returns all that is told of an error, each headline once. timeout is the
// value of --timeout.
func (u *UI) Failures(err error, timeout time.Duration) []Failure {
	var all []Failure
	seen := map[string]bool{}
	for _, e := range fault.Each(err) {
		for _, f := range u.failures(e, timeout) {
			if !seen[f.headline] {
				all = append(all, f)
			}
			seen[f.headline] = true
		}
	}
	return all
}

// failures returns what is told of one error.
func (u *UI) failures(err error, timeout time.Duration) []Failure {
	if file := fileError(err); file != nil {
		return u.problems(err, file)
	}
	f := Failure{Err: err}
	if e, ok := errors.AsType[placed](err); ok && e.Position().File != "" {
		f.Position = e.Position()
		f.Position.File = u.Rel(f.Position.File)
	}
	if stale, ok := errors.AsType[*project.StaleError](err); ok {
		return []Failure{f.tell(u.describeStale(stale))}
	}
	text := err.Error()
	if errors.As(err, new(*resolve.ConflictError)) {
		text = "no versions go together:\n" + text // the proof begins a line
	}
	if timeout > 0 && errors.Is(err, context.DeadlineExceeded) {
		text = fmt.Sprintf("timeout: not done within %s", timeout)
	}
	lines := strings.Split(u.Shorten(text), "\n")
	return []Failure{f.tell(lines[0], append(lines[1:], DriverSaid(err)...))}
}

// Interrupted is what is told of a command that the user ended.
func (u *UI) Interrupted(err error) Failure {
	text := "interrupted"
	if left := u.Left(); left != "" {
		text += "; " + left
	}
	return Failure{Err: err}.tell(text, nil)
}

// fileError returns the problems of a file that an error consists of, nil for none.
func fileError(err error) *diag.Error {
	if file, ok := errors.AsType[*diag.Error](err); ok {
		return file
	}
	if newer, ok := errors.AsType[*lockfile.VersionError](err); ok {
		return newer.Problems
	}
	if unmerged, ok := errors.AsType[*lockfile.UnmergedError](err); ok {
		return unmerged.Problems
	}
	return nil
}

// placed is an error about a place in a file, which its text may name too.
type placed interface {
	error
	Position() diag.Position
}

// tell puts the words to a failure.
func (f Failure) tell(headline string, below []string) Failure {
	f.headline, f.below = headline, below
	f.Message = strings.TrimPrefix(strings.Join(append([]string{headline}, below...), "\n"), f.Position.String()+": ")
	return f
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

// problems tells every problem of a file, each with its line and a caret.
func (u *UI) problems(err error, file *diag.Error) []Failure {
	var all []Failure
	for i, p := range file.Problems {
		if i == maxProblems {
			all = append(all, Failure{Err: err}.tell(fmt.Sprintf("%s: and %d more problems", u.Rel(p.File), len(file.Problems)-i), nil))
			break
		}
		f := Failure{Err: err, Message: p.Text, Position: p.Position}
		if err == error(file) { // what is to be done about this problem alone
			f.Err = &diag.Error{Problems: file.Problems[i : i+1], Source: file.Source}
		}
		f.Position.File = u.Rel(p.File)
		f.headline = fmt.Sprintf("%s: %s", f.Position, p.Text)
		if s := strings.TrimRight(file.Snippet(p), "\n"); s != "" {
			for l := range strings.SplitSeq(s, "\n") {
				f.below = append(f.below, "  "+l)
			}
		}
		all = append(all, f)
	}
	return all
}

func (u *UI) describeStale(e *project.StaleError) (headline string, below []string) {
	if e.Missing {
		return u.Rel(e.File) + ": there is no lock", nil
	}
	for _, d := range e.Differences {
		below = append(below, "  "+d.String())
	}
	return u.Rel(e.File) + ": out of date", below
}
