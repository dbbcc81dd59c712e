package diag

import (
	"slices"
)

// origin reports how a table came to be, which decides what may be added to it
// (TOML 1.0, "Table" and "Inline Table").
type origin int

const (
	byHeader  origin = iota // [a], or the root
	bySubkey                // a of [a.b], with no [a] yet
	byDots                  // a of a.b = 1
	byBraces                // { … }
	byElement               // [[a]]
)

// Table holds keys and values, in the order of the file.
type Table struct {
	Entries []*Entry
	Span    Span   // the braces, or the header's last key; zero for the root
	Name    string // the key that it stands behind, for messages

	doc    *Document
	by     origin
	header Span              // the expression [a] or [[a]]
	index  map[string]*Entry // made when there is a second entry
	broken bool              // a line of it could not be read, or has an unknown key
}

// Entry is a key with its value.
type Entry struct {
	Key     string
	KeySpan Span // the key itself, quotes included
	Value   *Value

	line   Span // the whole a.b = 1; zero if a header made the entry
	inline bool // the line stands within braces
}

// Problem adds a problem at the key, with the key as the subject.
func (e *Entry) Problem(format string, args ...any) {
	e.Value.doc.Problem(e.KeySpan, "%s: "+format, append([]any{QuoteKey(e.Key)}, args...)...)
}

// Get returns the value of a key, nil if it is not there.
func (t *Table) Get(key string) *Value {
	if e := t.Entry(key); e != nil {
		return e.Value
	}
	return nil
}

// Need is Get for a key that must be there: if it is not, that is a problem,
// but for what Missing excepts.
func (t *Table) Need(key string) *Value {
	v := t.Get(key)
	if v == nil {
		subject := t.Name
		if subject != "" {
			subject += ": "
		}
		t.Missing("%s%s is missing", subject, key)
	}
	return v
}

// Missing is Problem for what the table lacks: nothing is said if a syntax
// error in the table, or an unknown key, may be what was meant.
func (t *Table) Missing(format string, args ...any) {
	if !t.broken {
		t.Problem(format, args...)
	}
}

// Entry returns the entry of a key, nil if it is not there.
func (t *Table) Entry(key string) *Entry {
	if t.index != nil {
		return t.index[key]
	}
	for _, e := range t.Entries {
		if e.Key == key {
			return e
		}
	}
	return nil
}

// Document returns the document that the table is of.
func (t *Table) Document() *Document { return t.doc }

// Problem adds a problem at the table's header or braces.
func (t *Table) Problem(format string, args ...any) { t.doc.Problem(t.Span, format, args...) }

// Only makes every key but the known ones a problem, and names the one that was
// probably meant. Call it before Need and Missing: what is missing may be the
// key that is misspelt, and is not reported then.
func (t *Table) Only(known ...string) {
	for _, e := range t.Entries {
		if !slices.Contains(known, e.Key) {
			t.unknown(e, known)
		}
	}
}

func (t *Table) unknown(e *Entry, known []string) {
	t.broken = true
	if near, ok := Nearest(e.Key, known); ok {
		e.Problem("unknown key, did you mean %s?", near)
		return
	}
	e.Problem("unknown key")
}

func (t *Table) add(e *Entry) {
	t.Entries = append(t.Entries, e)
	if t.index == nil && len(t.Entries) > 8 {
		t.index = make(map[string]*Entry)
		for _, e := range t.Entries {
			t.index[e.Key] = e
		}
	}
	if t.index != nil {
		t.index[e.Key] = e
	}
}

func isBare(key string) bool {
	for _, c := range []byte(key) {
		if !isLetter(c) && !(c >= '0' && c <= '9') && c != '-' && c != '_' {
			return false
		}
	}
	return key != ""
}
