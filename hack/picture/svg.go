package main

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// A card has a background of its own, so that a page may be light or dark.
const (
	fontSize   = 13
	lineHeight = 19
	charWidth  = 7.85 // of the widest monospaced fonts at this size
	margin     = 20
)

// drawing is the inside of an SVG; y grows as things are added.
type drawing struct {
	b     strings.Builder
	width int
	y     int
}

func (d *drawing) text(x float64, class, s string) {
	fmt.Fprintf(&d.b, `<text x="%.1f" y="%d" class="%s">%s</text>`+"\n", x, d.y, class, html.EscapeString(s))
}

func (d *drawing) rect(x, y, width, height float64, class string) {
	fmt.Fprintf(&d.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="%s"/>`+"\n", x, y, width, height, class)
}

// svg gives the whole file.
func (d *drawing) svg(title, style string) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" xml:space="preserve">
<title>%s</title>
<style>
text { font: %dpx ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
%s
</style>
<rect width="%d" height="%d" rx="8" class="card"/>
%s</svg>
`, d.width, d.y, d.width, d.y, html.EscapeString(title), fontSize, strings.TrimSpace(style), d.width, d.y, d.b.String())
}

// terminal draws a transcript: a line that begins with "$ " is what was typed,
// one with "# " says what happens.
func terminal(transcript string) string {
	lines := strings.Split(strings.TrimSpace(transcript), "\n")
	columns := 0
	for _, line := range lines {
		columns = max(columns, utf8.RuneCountInString(line))
	}
	d := &drawing{width: int(float64(columns)*charWidth) + 2*margin, y: margin + 6}
	for i, line := range lines {
		class := "out"
		switch {
		case strings.HasPrefix(line, "$ "):
			class = "typed"
		case strings.HasPrefix(line, "# "):
			class = "note"
		case strings.HasPrefix(line, "error: "):
			class = "error"
		case strings.HasPrefix(line, "hint: "):
			class = "hint"
		}
		if i > 0 && class != "out" && strings.HasPrefix(line, "$ ") && !strings.HasPrefix(lines[i-1], "# ") || i > 0 && class == "note" {
			d.y += lineHeight / 2
		}
		if line != "" {
			d.text(margin, class, line)
		}
		d.y += lineHeight
	}
	d.y += margin - lineHeight/2
	return d.svg("kubectl schemahero plugin, in a terminal", `
.card { fill: #16191f; stroke: #3a414d; }
.out { fill: #d5dae2; }
.typed { fill: #8fd694; font-weight: bold; }
.note { fill: #8b95a5; }
.error { fill: #ff8a80; }
.hint { fill: #f2cc60; }`)
}

// group is the ratios of one column of a table.
type group struct {
	title  string
	budget float64 // 0: none
	bars   []bar
}

type bar struct {
	label string
	value float64
}

// bars draws ratios; a line marks 1, and another the budget.
func bars(groups []group) string {
	const left, right, unit = 320.0, margin, 110.0
	most := 1.0
	for _, g := range groups {
		for _, b := range g.bars {
			most = max(most, b.value, g.budget)
		}
	}
	d := &drawing{width: int(left + most*unit + right), y: margin + 8}
	for _, g := range groups {
		title := g.title
		if g.budget > 0 {
			title += fmt.Sprintf(" (budget %.4g)", g.budget)
		}
		d.text(margin, "title", title)
		d.y += lineHeight + 2
		top := float64(d.y) - fontSize
		for _, b := range g.bars {
			class := "bar"
			if g.budget > 0 && b.value > g.budget {
				class = "over"
			}
			d.text(margin, "label", b.label)
			d.rect(left, float64(d.y)-10, b.value*unit, 12, class)
			d.text(left-5*charWidth, "label", fmt.Sprintf("%.2f", b.value))
			d.y += lineHeight
		}
		height := float64(d.y) - lineHeight + 6 - top
		d.rect(left+unit, top, 1, height, "one")
		if g.budget > 0 && g.budget != 1 {
			d.rect(left+g.budget*unit, top, 1, height, "budget")
		}
		d.y += lineHeight - 5
	}
	return d.svg("Ratios of the last benchmark; shorter is faster", `
.card { fill: #fbfbfa; stroke: #c9ccd1; }
.title { fill: #1b1f24; font-weight: bold; }
.label { fill: #3b424c; }
.bar { fill: #3d7ea6; }
.over { fill: #c2571a; }
.one { fill: #1b1f24; }
.budget { fill: #c2571a; }`)
}
