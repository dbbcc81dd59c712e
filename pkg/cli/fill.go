package cli

import (
	"strings"
	"unicode/utf8"
)

// helpWidth is a terminal's usual width.
const helpWidth = 80

// fill breaks the paragraphs of a help text at helpWidth columns. Indented
// lines are lists and samples, and stay as they are.
func fill(text string) string {
	var out []string
	var words []string
	flush := func() {
		line, width := "", 0
		for _, w := range words {
			n := utf8.RuneCountInString(w)
			if width > 0 && width+1+n > helpWidth {
				out, line, width = append(out, line), "", 0
			}
			if width > 0 {
				line, width = line+" ", width+1
			}
			line, width = line+w, width+n
		}
		if width > 0 {
			out = append(out, line)
		}
		words = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || strings.HasPrefix(line, " ") {
			flush()
			out = append(out, line)
			continue
		}
		words = append(words, strings.Fields(line)...)
	}
	flush()
	return strings.Join(out, "\n")
}
