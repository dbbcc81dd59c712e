package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// style is an ANSI "select graphic rendition" sequence.
type style string

const (
	styleError style = "\x1b[1;31m"
	styleWarn  style = "\x1b[1;33m"
	styleHint  style = "\x1b[1;36m"
	styleGood  style = "\x1b[32m"
	styleDim   style = "\x1b[2m"
	styleReset style = "\x1b[0m"
)

// paint colours text for standard error, on a terminal only and never where
// NO_COLOR is set (https://no-color.org).
func (a *app) paint(s style, text string) string {
	if !a.colours(a.Err) {
		return text
	}
	return string(s) + text + string(styleReset)
}

func (a *app) colours(w io.Writer) bool {
	if v, set := a.Env("NO_COLOR"); set && v != "" {
		return false
	}
	if v, _ := a.Env("TERM"); v == "dumb" {
		return false
	}
	return isTerminal(w)
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// terminalWidth is 0 where w is no terminal, or one that does not know.
func terminalWidth(w any) int {
	if !isTerminal(w) {
		return 0
	}
	width, _, err := term.GetSize(int(w.(*os.File).Fd()))
	if err != nil {
		return 0
	}
	return width
}
