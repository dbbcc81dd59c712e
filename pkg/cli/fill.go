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
	// Every start fills every command's text, so this makes one string of each.
	var b strings.Builder
	b.Grow(len(text) + 1)
	width := 0 // of the line that is being filled
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || line[0] == ' ' {
			if width > 0 {
				b.WriteByte('\n')
			}
			width = 0
			b.WriteString(line)
			b.WriteByte('\n')
			continue
		}
		for word := range strings.FieldsSeq(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case width+1+n > helpWidth && width > 0:
				b.WriteByte('\n')
				width = 0
			case width > 0:
				b.WriteByte(' ')
				width++
			}
			b.WriteString(word)
			width += n
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}
