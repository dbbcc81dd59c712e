package diag

import (
	"bytes"
	"errors"
	"strings"
	"unicode"

	"github.com/pelletier/go-toml/v2/unstable"
)

// parser turns the expressions of go-toml's parser, which knows nothing of what
// stands in other lines, into tables.
type parser struct {
	doc  *Document
	toml unstable.Parser
	base int    // where the parser's data begins in the source
	in   *Table // the table of the last header; nil if that could not be read
}

// ParseTOML reads a TOML 1.0 document (https://toml.io/en/v1.0.0; inline tables
// may span lines, as in 1.1). It never fails: see Document.Err. After a syntax
// error reading goes on at the next line that looks like a key or a header.
func ParseTOML(file string, data []byte) *Document {
	if len(data) > TooLarge {
		d := NewDocument(file, data)
		d.Problem(Span{}, "the file is larger than %d KiB", TooLarge>>10)
		return d
	}
	return ParseLarge(file, data)
}

// ParseLarge is ParseTOML for a file that a program wrote and whose size the
// caller has bounded. It takes about 15 times that size in memory.
func ParseLarge(file string, data []byte) *Document {
	d := NewDocument(file, data)
	if !d.checkEncoding() {
		return d
	}
	p := &parser{doc: d, in: d.Root}
	next := len(data) - len(TrimBOM(data))
	for next >= 0 {
		next = p.from(next)
	}
	return d
}

// from reads expressions from an offset up to the end, and returns -1, or up to
// a syntax error, and returns the offset at which to try again.
func (p *parser) from(offset int) (next int) {
	p.base = offset
	p.toml.Reset(p.doc.Source[offset:])
	begin := offset
	for p.toml.NextExpression() {
		node := p.toml.Expression()
		switch node.Kind {
		case unstable.KeyValue:
			begin = p.span(node.Raw).End
			if p.in != nil {
				p.keyValue(p.in, node, false)
			}
		case unstable.Table, unstable.ArrayTable:
			begin = p.header(node)
		}
	}
	var failed *unstable.ParserError
	if !errors.As(p.toml.Error(), &failed) {
		return -1
	}
	// The highlight is a part of the source, so its capacity tells where.
	at := len(p.doc.Source) - cap(failed.Highlight)
	at = min(max(at, begin), len(p.doc.Source))
	if p.conflict(at) {
		return -1
	}
	problem := failed.Message
	if strings.Contains(problem, "escape") { // a path of Windows, most likely
		problem += `; in double quotes a backslash is written \\`
	}
	p.doc.Problem(Span{at, at + len(failed.Highlight)}, "invalid TOML: %s", problem)
	return p.recover(begin, at)
}

// conflict reports whether a syntax error is that of a conflict marker. Then that
// is all there is to say: the keys of both sides stand there twice.
func (p *parser) conflict(at int) bool {
	line := lines(p.doc.Source, Span{at, at})
	m, size := MarkerOf(p.doc.Source[line.Start:line.End])
	if m == NoMarker {
		return false
	}
	p.doc.only(Span{line.Start, line.Start + size}, "conflict marker: two versions of the file were merged here; decide what it is to say")
	return true
}

// recover looks for the expression that begins behind a syntax error. The line
// of the error itself is tried where the broken expression began earlier: what
// fails there is often a new line after a bracket that was never closed.
func (p *parser) recover(begin, at int) (next int) {
	source := p.doc.Source
	begin = p.skipBlank(begin)
	if begin < len(source) && source[begin] == '[' {
		p.in = nil // of which table the next keys are, nobody knows
	} else if p.in != nil {
		p.in.broken = true
	}
	line := bytes.LastIndexByte(source[:at], '\n') + 1
	for {
		if line > begin && startsExpression(source[line:]) {
			return line
		}
		skip := bytes.IndexByte(source[line:], '\n')
		if skip < 0 {
			return -1
		}
		line += skip + 1
	}
}

// skipBlank returns the offset of the expression that begins at or behind one.
func (p *parser) skipBlank(offset int) int {
	source := p.doc.Source
	for offset < len(source) {
		switch c := source[offset]; {
		case c == ' ', c == '\t', c == '\r', c == '\n':
			offset++
		case c == '#':
			end := bytes.IndexByte(source[offset:], '\n')
			if end < 0 {
				return offset
			}
			offset += end
		default:
			return offset
		}
	}
	return offset
}

// startsExpression reports whether a line looks like [a], [[a]] or a.b = 1, and
// not like an item of a list.
func startsExpression(line []byte) bool {
	line, _, _ = bytes.Cut(line, []byte("\n"))
	line = bytes.TrimLeft(line, " \t")
	name := bytes.TrimLeft(line, "[ \t") // a quote behind brackets may begin an item
	if len(name) > 0 && (isLetter(name[0]) || name[0] == '_') {
		word := name[:len(name)-len(bytes.TrimLeftFunc(name, unicode.IsLetter))]
		switch string(word) {
		case "true", "false", "inf", "nan":
		default:
			return true
		}
	}
	key, _, found := bytes.Cut(line, []byte("="))
	return found && isKey(key)
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isKey(b []byte) bool {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return false
	}
	for _, c := range b {
		if word := isLetter(c) || c >= '0' && c <= '9' || c >= 0x80; !word && !bytes.ContainsRune([]byte("-_. \t\"'/:"), rune(c)) {
			return false
		}
	}
	return true
}

func (p *parser) span(r unstable.Range) Span {
	start := p.base + int(r.Offset)
	return Span{start, start + int(r.Length)}
}
