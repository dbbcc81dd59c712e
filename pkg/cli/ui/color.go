package ui

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// style is an ANSI "select graphic rendition" sequence.
type style string

const (
	styleError style = "\x1b[1;31m"
	styleWarn  style = "\x1b[1;33m"
	styleHint  style = "\x1b[1;36m"
	styleDim   style = "\x1b[2m"
	styleReset style = "\x1b[0m"
)

// paint colours text for standard error, on a terminal only and never where
// NO_COLOR is set (https://no-color.org).
func (u *UI) paint(s style, text string) string {
	if s == "" || !u.colours() {
		return text
	}
	return string(s) + text + string(styleReset)
}

func (u *UI) colours() bool {
	if v, set := u.env("NO_COLOR"); set && v != "" {
		return false
	}
	return !u.dumb() && isTerminal(u.rawErr)
}

// dumb reports whether the terminal understands no control sequences.
func (u *UI) dumb() bool {
	if v, _ := u.env("TERM"); v == "dumb" {
		return true
	}
	f, ok := u.rawErr.(*os.File)
	return !ok || !system.Controls(f)
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// terminalWidth is 0 where w is not a terminal, or one that does not know.
func terminalWidth(w io.Writer) int {
	if !isTerminal(w) {
		return 0
	}
	width, _, err := term.GetSize(int(w.(*os.File).Fd()))
	if err != nil {
		return 0
	}
	return width
}
