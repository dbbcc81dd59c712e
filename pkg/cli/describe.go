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
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

// describe returns the lines that tell an error to a person: what is wrong, all
// of it, and for a file also the place.
func (a *app) describe(err error) []string {
	if errors.As(err, new(*interrupted)) {
		a.progress.mu.Lock()
		defer a.progress.mu.Unlock()
		text := "interrupted"
		if left := a.progress.work.left(); left != "" {
			text += "; " + left
		}
		return []string{a.errorLine(escape(text))}
	}
	if errors.As(err, new(*childExit)) {
		return nil // the program that ran has told it
	}
	var lines []string
	seen := map[string]bool{}
	for _, e := range leaves(err) {
		for _, l := range a.describeOne(e) {
			if !seen[l] || strings.HasPrefix(l, " ") {
				lines = append(lines, l)
			}
			seen[l] = true
		}
	}
	return lines
}

func (a *app) describeOne(err error) []string {
	var file *diag.Error
	if errors.As(err, &file) {
		return a.describeFile(file)
	}
	var stale *plugins.StaleError
	if errors.As(err, &stale) {
		return a.describeStale(stale)
	}
	text := err.Error()
	if errors.As(err, new(*resolve.ConflictError)) {
		text = "no versions go together:\n" + text // the proof begins a line
	}
	if isTimeout(err) && a.flags.timeout > 0 && errors.Is(err, context.DeadlineExceeded) {
		text = fmt.Sprintf("timeout: not done within %s", a.flags.timeout)
	}
	text = a.shorten(text)
	lines := strings.Split(escapeLines(text), "\n")
	lines[0] = a.errorLine(lines[0])
	return append(lines, driverSaid(err)...)
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
		lines = append(lines, "  it wrote: "+escape(strings.ToValidUTF8(line[:min(len(line), maxSaidLine)], "")))
	}
	return lines[max(0, len(lines)-maxSaid):]
}

func (a *app) errorLine(text string) string { return a.paint(styleError, "error:") + " " + text }

// maxProblems is how many problems of one file are told: nobody reads more, and
// a hostile file can have a million.
const maxProblems = 100

// describeFile tells every problem of a file, each with its line and a caret.
func (a *app) describeFile(e *diag.Error) []string {
	var lines []string
	for i, p := range e.Problems {
		if i == maxProblems {
			lines = append(lines, a.errorLine(fmt.Sprintf("%s: and %d more problems", escape(a.rel(p.File)), len(e.Problems)-i)))
			break
		}
		at := p.Position
		at.File = a.rel(at.File)
		lines = append(lines, a.errorLine(escape(fmt.Sprintf("%s: %s", at, p.Text))))
		if s := strings.TrimRight(e.Snippet(p), "\n"); s != "" {
			for l := range strings.SplitSeq(s, "\n") {
				lines = append(lines, "  "+l)
			}
		}
	}
	return lines
}

func (a *app) describeStale(e *plugins.StaleError) []string {
	if e.Missing {
		return []string{a.errorLine(escape(a.rel(e.File) + ": there is no lock"))}
	}
	lines := []string{a.errorLine(escape(a.rel(e.File) + ": out of date"))}
	for _, d := range e.Differences {
		lines = append(lines, "  "+escape(d.String()))
	}
	return lines
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
	prefix := a.Directory + string(filepath.Separator)
	var b strings.Builder
	for {
		i := strings.Index(text, prefix)
		if i < 0 || prefix == "//" {
			return b.String() + text
		}
		b.WriteString(text[:i])
		if before := b.String(); before != "" && !strings.ContainsAny(before[len(before)-1:], " (\"'\n\t") {
			b.WriteString(prefix)
		}
		text = text[i+len(prefix):]
	}
}
