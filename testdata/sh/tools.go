package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var tools = map[string]*tool{
	"cmp":       {run: cmp},
	"cut":       {taking: "dfc", run: cut},
	"find":      {long: true, run: find},
	"grep":      {taking: "emA", run: grep},
	"head":      {taking: "nc", run: head},
	"od":        {taking: "At", run: od},
	"sed":       {taking: "e", run: sed},
	"sha256sum": {run: sha256sum},
	"sort":      {run: sorted},
	"tail":      {taking: "n", run: tail},
	"tar":       {taking: "fC", run: tarred},
	"tr":        {run: tr},
	"wc":        {run: wc},
}

// lines are those of a text, each with its end.
func lines(data []byte) []string {
	l := slices.Collect(strings.Lines(string(data)))
	return l
}

// pattern reads a regular expression of POSIX: a basic one, where the signs of the
// extended ones mean themselves, or have a backslash.
func pattern(text string, extended bool) (*regexp.Regexp, error) {
	if extended {
		return regexp.Compile("(?m)" + text)
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '[': // up to its end, as it is
			end := i + 1
			if end < len(text) && text[end] == '^' {
				end++
			}
			if end < len(text) && text[end] == ']' {
				end++
			}
			for end < len(text) && text[end] != ']' {
				end++
			}
			b.WriteString("[" + strings.ReplaceAll(strings.ReplaceAll(text[i+1:min(end+1, len(text))], `\`, `\\`), "[", `\[`))
			i = end
		case c == '\\' && i+1 < len(text):
			i++
			if strings.IndexByte("(){}|+?", text[i]) < 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(text[i])
		case strings.IndexByte("(){}|+?", c) >= 0:
			b.WriteString(`\` + string(c))
		default:
			b.WriteByte(c)
		}
	}
	return regexp.Compile("(?m)" + b.String())
}

func grep(c *call) error {
	text := c.flags['e']
	if !c.has('e') {
		var err error
		if text, err = c.first(); err != nil {
			return err
		}
	}
	var res []*regexp.Regexp
	for t := range strings.SplitSeq(text, "\n") {
		if c.has('F') {
			t = regexp.QuoteMeta(t)
		}
		if c.has('i') {
			t = "(?i)" + t
		}
		re, err := pattern(t, c.has('E') || c.has('F') || c.has('i'))
		if err != nil {
			return err
		}
		res = append(res, re)
	}
	data, err := c.all()
	if err != nil {
		return err
	}
	most, _ := strconv.Atoi(c.flags['m'])
	after, _ := strconv.Atoi(c.flags['A'])
	count, until := 0, -1
	for i, l := range lines(data) {
		l = strings.TrimSuffix(l, "\n")
		hit := slices.ContainsFunc(res, func(re *regexp.Regexp) bool { return re.MatchString(l) }) != c.has('v')
		if hit && (most == 0 || count < most) {
			count++
			until = i + after
		}
		switch {
		case i > until || c.has('q') || c.has('c'):
		case c.has('o') && hit:
			for _, m := range res[0].FindAllString(l, -1) {
				fmt.Fprintln(c.out, m)
			}
		default:
			fmt.Fprintln(c.out, l)
		}
	}
	if c.has('c') {
		fmt.Fprintln(c.out, count)
	}
	if count == 0 {
		c.status = 1
	}
	return nil
}

// cmp compares two files in silence.
func cmp(c *call) error {
	var data [2][]byte
	for i, f := range c.files[:min(2, len(c.files))] {
		var err error
		if data[i], err = c.read(f); err != nil {
			return err
		}
	}
	if !bytes.Equal(data[0], data[1]) {
		c.status = 1
	}
	return nil
}

// od prints bytes in hexadecimal: od -An -tx1.
func od(c *call) error {
	data, err := c.all()
	if err == nil {
		_, err = fmt.Fprintf(c.out, " % x\n", data)
	}
	return err
}

// tr replaces, or with -d removes, single characters.
func tr(c *call) error {
	from, err := c.first()
	if err != nil {
		return err
	}
	from = strings.ReplaceAll(from, `\n`, "\n")
	to := ""
	if !c.has('d') {
		if to, err = c.first(); err != nil {
			return err
		}
		to = strings.ReplaceAll(to, `\n`, "\n")
	}
	data, err := c.all()
	if err != nil {
		return err
	}
	for _, b := range data {
		at := strings.IndexByte(from, b)
		switch {
		case at < 0:
			c.out.Write([]byte{b})
		case to != "":
			c.out.Write([]byte{to[min(at, len(to)-1)]})
		}
	}
	return nil
}

func head(c *call) error {
	data, err := c.all()
	if err != nil {
		return err
	}
	if c.has('c') {
		n, err := strconv.Atoi(c.flags['c'])
		c.out.Write(data[:min(max(n, 0), len(data))])
		return err
	}
	l := lines(data)
	_, err = fmt.Fprint(c.out, strings.Join(l[:min(c.lines(), len(l))], ""))
	return err
}

func tail(c *call) error {
	data, err := c.all()
	if err != nil {
		return err
	}
	l := lines(data)
	_, err = fmt.Fprint(c.out, strings.Join(l[max(0, len(l)-c.lines()):], ""))
	return err
}

func (c *call) lines() int {
	if n, err := strconv.Atoi(c.flags['n']); err == nil {
		return n
	}
	return 10
}

func cut(c *call) error {
	data, err := c.all()
	if err != nil {
		return err
	}
	from, to, ranged := strings.Cut(c.flags['f']+c.flags['c'], "-")
	first, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	last := first
	if ranged {
		if last, err = strconv.Atoi(to); err != nil {
			last = 1 << 30
		}
	}
	delimiter := c.flags['d']
	if c.has('f') && delimiter == "" {
		delimiter = "\t"
	}
	for _, l := range lines(data) {
		fields := strings.Split(strings.TrimSuffix(l, "\n"), delimiter)
		if len(fields) == 1 && c.has('f') {
			fmt.Fprintln(c.out, fields[0])
			continue
		}
		fmt.Fprintln(c.out, strings.Join(fields[min(first-1, len(fields)):min(last, len(fields))], delimiter))
	}
	return nil
}

func sorted(c *call) error {
	data, err := c.all()
	if err != nil {
		return err
	}
	l := lines(data)
	slices.Sort(l)
	if c.has('u') {
		l = slices.Compact(l)
	}
	_, err = fmt.Fprint(c.out, strings.Join(l, ""))
	return err
}

func wc(c *call) error {
	data, err := c.all()
	if err != nil {
		return err
	}
	n := len(data)
	if c.has('l') {
		n = bytes.Count(data, []byte("\n"))
	}
	_, err = fmt.Fprintln(c.out, n)
	return err
}

func sha256sum(c *call) error {
	if c.has('c') {
		data, err := c.all()
		if err != nil {
			return err
		}
		for _, l := range lines(data) {
			want, file, _ := strings.Cut(strings.TrimSpace(l), "  ")
			data, err := c.read(file)
			if err != nil {
				return err
			}
			if fmt.Sprintf("%x", sha256.Sum256(data)) != want {
				return fmt.Errorf("%s: FAILED", file)
			}
			fmt.Fprintf(c.out, "%s: OK\n", file)
		}
		return nil
	}
	if len(c.files) == 0 {
		c.files = []string{"-"}
	}
	for _, f := range c.files {
		data, err := c.read(f)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%x  %s\n", sha256.Sum256(data), f)
	}
	return nil
}
