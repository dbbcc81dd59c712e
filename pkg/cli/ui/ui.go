// Package ui is what a person sees of this program: its streams, lines, tables,
// progress bars, and words for sizes and times. What is written escapes control
// characters, whoever wrote it: text of registries and files cannot command a
// terminal.
package ui

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// UI is one run's streams and how much is written to them.
type UI struct {
	In  io.Reader
	Out io.Writer // results; escaped
	Err io.Writer // everything else; escaped

	Output     string // the value of -o
	Errors     string // that of --errors
	Quiet      bool
	Verbose    bool
	NoProgress bool
	Dir        string // the working directory, which paths are shown relative to; absolute

	rawOut, rawErr io.Writer
	stdout         *stdout
	env            func(string) (string, bool)
	progress       progress
	noLocks        sync.Once // told of a file system without locks
}

// New returns the UI over a program's streams. env is its environment: NO_COLOR
// and TERM are asked for.
func New(in io.Reader, out, err io.Writer, env func(string) (string, bool)) *UI {
	s := &stdout{Writer: out}
	return &UI{In: in, Out: writer{s}, Err: writer{err}, rawOut: out, rawErr: err, stdout: s, env: env}
}

// Raw returns the streams as they are, for another program to write to.
func (u *UI) Raw() (out, err io.Writer) { return u.rawOut, u.rawErr }

// Bytes writes a result exactly as it is, but to a terminal, which it could
// command.
func (u *UI) Bytes(data []byte) error {
	w := u.Out
	if !isTerminal(u.rawOut) {
		w = u.stdout
	}
	_, err := w.Write(data)
	return err
}

// Divert makes results go to standard error, for a person: those of a command that
// fails are none that a script should read.
func (u *UI) Divert() { u.Out, u.Output = u.Err, "" }

// Say writes a line for the person at the terminal; --quiet leaves it out.
func (u *UI) Say(format string, args ...any) {
	if !u.Quiet {
		u.line("", "", fmt.Sprintf(format, args...))
	}
}

// Hint is Say with a label before it that catches the eye.
func (u *UI) Hint(label, format string, args ...any) {
	if !u.Quiet {
		u.line(styleHint, label, fmt.Sprintf(format, args...))
	}
}

// Advice writes what to do about an error.
func (u *UI) Advice(text string) { u.line(styleHint, "hint:", text) }

// Warn is Say for what should not pass unseen: --quiet does not silence it.
func (u *UI) Warn(format string, args ...any) {
	u.line(styleWarn, "warning:", fmt.Sprintf(format, args...))
}

// Trace writes a line that only --verbose asks for.
func (u *UI) Trace(format string, args ...any) {
	if u.Verbose {
		u.line(styleDim, fmt.Sprintf(format, args...), "")
	}
}

// Note writes a line to standard error that somebody asked for.
func (u *UI) Note(format string, args ...any) { u.line("", "", fmt.Sprintf(format, args...)) }

// Error writes an error: a headline, and lines below it, whose tabs are their own.
func (u *UI) Error(f Failure) {
	u.line(styleError, "error:", f.headline)
	for _, l := range f.below {
		u.write(strings.ReplaceAll(escapeText(l), "\n", ""))
	}
}

// line writes a line to standard error, above the bars if there are any, its
// label in a style. Nothing in it can end it.
func (u *UI) line(s style, label, text string) {
	text = Escape(text)
	if label != "" {
		text = strings.TrimSuffix(u.paint(s, Escape(label))+" "+text, " ")
	}
	u.write(text)
}

func (u *UI) write(line string) {
	u.progress.mu.Lock()
	defer u.progress.mu.Unlock()
	w := u.rawErr
	if u.progress.bars != nil && !u.progress.done {
		w = u.progress.bars
	}
	fmt.Fprintln(w, line)
}

// Rel makes a path short for a person: relative to the working directory where
// it lies inside it. The root holds everything, so from there nothing is cut.
func (u *UI) Rel(path string) string {
	if r, err := filepath.Rel(u.Dir, path); err == nil && filepath.IsLocal(r) && filepath.Dir(u.Dir) != u.Dir {
		return r
	}
	return path
}

// Shorten makes paths below the working directory relative, where one begins a
// word: in the middle of one it is another path.
func (u *UI) Shorten(text string) string {
	if filepath.Dir(u.Dir) == u.Dir {
		return text // the root holds everything
	}
	prefix := u.Dir + string(filepath.Separator)
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

// stdout is standard output. It keeps the first error of writing to it: a
// result that did not arrive is a failure, whoever printed it.
type stdout struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (s *stdout) Write(data []byte) (int, error) {
	n, err := s.Writer.Write(data)
	if s.err == nil {
		s.err = err
	}
	return n, err
}

// Broken reports whether an error is one of writing results.
func (u *UI) Broken(err error) bool { return err != nil && errors.Is(err, u.stdout.err) }

// Failed returns why results are missing. A reader that has read enough, as
// head does, is not a failure.
func (u *UI) Failed() error {
	if u.stdout.err == nil || system.Is(u.stdout.err, syscall.EPIPE) {
		return nil
	}
	return fmt.Errorf("standard output: %w", u.stdout.err)
}
