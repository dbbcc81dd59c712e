package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// edit is one command of sed: [ADDRESS[,ADDRESS]]COMMAND.
type edit struct {
	from, to *address
	do       byte
	re       *regexp.Regexp
	with     string // of s, and the text of i
	all      bool
	print    bool
	within   bool
}

// address is a line's number, the last line, or what matches.
type address struct {
	line int
	last bool
	re   *regexp.Regexp
}

func (a *address) is(n int, last bool, line string) bool {
	return a.re != nil && a.re.MatchString(line) || a.last && last || a.line == n
}

func sed(c *call) error {
	text := c.flags['e']
	if !c.has('e') {
		var err error
		if text, err = c.first(); err != nil {
			return err
		}
	}
	if strings.Contains(c.flags['i'], "y") && len(c.files) != 1 {
		return fmt.Errorf("-i: wants one file")
	}
	edits, err := parseEdits(text, c.has('E'))
	if err != nil {
		return err
	}
	data, err := c.all()
	if err != nil {
		return err
	}
	out := apply(edits, lines(data), c.has('n'))
	if c.has('i') {
		return os.WriteFile(c.path(c.files[0]), []byte(out), 0o644)
	}
	_, err = fmt.Fprint(c.out, out)
	return err
}

func apply(edits []*edit, lines []string, quiet bool) string {
	var out strings.Builder
	for i, l := range lines {
		l, ended := strings.CutSuffix(l, "\n")
		end := ""
		if ended {
			end = "\n"
		}
		gone, quit, after := false, false, ""
		for _, e := range edits {
			if gone || quit || !e.at(i+1, i+1 == len(lines), l) {
				continue
			}
			switch e.do {
			case 'd':
				gone = true
			case 'p':
				out.WriteString(l + end)
			case 'q':
				quit = true
			case 'i':
				out.WriteString(e.with + "\n")
			case 'a':
				after += e.with + "\n"
			case 's':
				was := e.re.FindStringIndex(l) != nil
				l = e.substitute(l)
				if was && e.print {
					out.WriteString(l + end)
				}
			}
		}
		if !gone && !quiet {
			out.WriteString(l + end)
		}
		out.WriteString(after)
		if quit {
			break
		}
	}
	return out.String()
}

// at reports whether the line is one that the command is for.
func (e *edit) at(n int, last bool, line string) bool {
	switch {
	case e.from == nil:
		return true
	case e.to == nil:
		return e.from.is(n, last, line)
	case !e.within:
		e.within = e.from.is(n, last, line)
		return e.within
	}
	e.within = !e.to.is(n, last, line)
	return true
}

func (e *edit) substitute(line string) string {
	done := false
	return e.re.ReplaceAllStringFunc(line, func(m string) string {
		if done && !e.all {
			return m
		}
		done = true
		groups := e.re.FindStringSubmatch(m)
		var b strings.Builder
		for i := 0; i < len(e.with); i++ {
			switch ch := e.with[i]; {
			case ch == '&':
				b.WriteString(m)
			case ch == '\\' && i+1 < len(e.with):
				i++
				switch d := e.with[i]; {
				case d >= '0' && d <= '9' && int(d-'0') < len(groups):
					b.WriteString(groups[d-'0'])
				case d == 'n':
					b.WriteByte('\n')
				case d == 'r':
					b.WriteByte('\r')
				default:
					b.WriteByte(d)
				}
			default:
				b.WriteByte(ch)
			}
		}
		return b.String()
	})
}

func parseEdits(text string, extended bool) ([]*edit, error) {
	var out []*edit
	for {
		text = strings.TrimLeft(text, " ;\n}")
		if text == "" {
			return out, nil
		}
		e := &edit{}
		var err error
		if e.from, text, err = parseAddress(text, extended); err != nil {
			return nil, err
		}
		if rest, ok := strings.CutPrefix(text, ","); ok {
			if e.to, text, err = parseAddress(rest, extended); err != nil {
				return nil, err
			}
		}
		e.within = e.from != nil && e.from.re == nil && !e.from.last && e.from.line == 0
		text = strings.TrimLeft(text, " ")
		if text == "" {
			return nil, fmt.Errorf("a command is missing")
		}
		e.do, text = text[0], text[1:]
		switch e.do {
		case 'd', 'p', 'q':
		case 'a', 'i':
			e.with, text, _ = strings.Cut(strings.TrimLeft(text, " \\"), "\n")
		case 's':
			if text == "" {
				return nil, fmt.Errorf("s: is not whole")
			}
			mark := text[0]
			what, rest, ok := until(text[1:], mark)
			with, rest, ok2 := until(rest, mark)
			if !ok || !ok2 {
				return nil, fmt.Errorf("s: is not whole")
			}
			if e.re, err = pattern(what, extended); err != nil {
				return nil, err
			}
			if what == "" && e.to != nil {
				e.re = e.to.re
			}
			e.with = with
			for rest != "" && strings.IndexByte("gp", rest[0]) >= 0 {
				e.all, e.print = e.all || rest[0] == 'g', e.print || rest[0] == 'p'
				rest = rest[1:]
			}
			text = rest
		default:
			return nil, fmt.Errorf("%c: is not a command that is known here", e.do)
		}
		out = append(out, e)
	}
}

func parseAddress(text string, extended bool) (*address, string, error) {
	switch {
	case strings.HasPrefix(text, "$"):
		return &address{last: true}, text[1:], nil
	case strings.HasPrefix(text, "/"):
		what, rest, ok := until(text[1:], '/')
		if !ok {
			return nil, "", fmt.Errorf("an address is not whole")
		}
		re, err := pattern(what, extended)
		return &address{re: re, line: -1}, rest, err
	}
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	if digits == 0 {
		return nil, text, nil
	}
	n, err := strconv.Atoi(text[:digits])
	return &address{line: n}, text[digits:], err
}

// until cuts a text at a mark that has no backslash before it. One that has is the
// mark itself.
func until(text string, mark byte) (before, after string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == mark:
			return b.String(), text[i+1:], true
		case text[i] == '\\' && i+1 < len(text):
			if text[i+1] != mark {
				b.WriteByte('\\')
			}
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}
