package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// told is an error as a person reads it: what is wrong, and lines below that.
type told struct {
	headline string
	below    []string
}

// describe returns what is told of an error: all that is wrong, and for a file
// also the place.
func (a *app) describe(err error) []told {
	if errors.As(err, new(*interrupted)) {
		text := "interrupted"
		if left := a.ui.Left(); left != "" {
			text += "; " + left
		}
		return []told{{headline: text}}
	}
	if errors.As(err, new(*childExit)) {
		return nil // the program that ran has told it
	}
	var all []told
	seen := map[string]bool{}
	for _, e := range leaves(err) {
		for _, t := range a.describeOne(e) {
			if !seen[t.headline] {
				all = append(all, t)
			}
			seen[t.headline] = true
		}
	}
	return all
}

func (a *app) describeOne(err error) []told {
	if file, ok := errors.AsType[*diag.Error](err); ok {
		return a.describeFile(file)
	}
	if stale, ok := errors.AsType[*plugins.StaleError](err); ok {
		return []told{a.describeStale(stale)}
	}
	text := err.Error()
	if errors.As(err, new(*resolve.ConflictError)) {
		text = "no versions go together:\n" + text // the proof begins a line
	}
	if isTimeout(err) && a.flags.timeout > 0 && errors.Is(err, context.DeadlineExceeded) {
		text = fmt.Sprintf("timeout: not done within %s", a.flags.timeout)
	}
	lines := strings.Split(a.shorten(text), "\n")
	return []told{{lines[0], append(lines[1:], driverSaid(err)...)}}
}

// maxSaid is how many lines of a driver's standard error are told, and how many
// bytes of each.
const (
	maxSaid     = 10
	maxSaidLine = 200
)

// driverSaid returns the end of what a driver that failed its probe wrote to
// standard error.
func driverSaid(err error) (lines []string) {
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
func (a *app) describeFile(e *diag.Error) []told {
	var all []told
	for i, p := range e.Problems {
		if i == maxProblems {
			all = append(all, told{headline: fmt.Sprintf("%s: and %d more problems", a.ui.Rel(p.File), len(e.Problems)-i)})
			break
		}
		at := p.Position
		at.File = a.ui.Rel(at.File)
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

func (a *app) describeStale(e *plugins.StaleError) told {
	if e.Missing {
		return told{headline: a.ui.Rel(e.File) + ": there is no lock"}
	}
	t := told{headline: a.ui.Rel(e.File) + ": out of date"}
	for _, d := range e.Differences {
		t.below = append(t.below, "  "+d.String())
	}
	return t
}

// foreignPaths returns the files that are in the way.
func foreignPaths(err error) []string {
	var out []string
	for _, f := range install.Failures(err) {
		var foreign *install.ForeignError
		if errors.As(f.Err, &foreign) {
			out = append(out, foreign.Path)
		}
	}
	return out
}

// shorten makes paths below the working directory relative, where one begins a
// word: in the middle of one it is another path.
func (a *app) shorten(text string) string {
	if filepath.Dir(a.Directory) == a.Directory {
		return text // the root holds everything
	}
	prefix := a.Directory + string(filepath.Separator)
	var b strings.Builder
	for {
		i := strings.Index(text, prefix)
		if i < 0 {
			return b.String() + text
		}
		b.WriteString(text[:i])
		if before := b.String(); before != "" && !strings.ContainsAny(before[len(before)-1:], " (\"'\n\t") {
			b.WriteString(prefix)
		}
		text = text[i+len(prefix):]
	}
}
