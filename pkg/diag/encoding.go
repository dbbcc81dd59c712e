package diag

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// bom is the byte order mark that editors on Windows put before UTF-8.
const bom = "\ufeff"

// TrimBOM returns data without a UTF-8 byte order mark at its beginning.
func TrimBOM(data []byte) []byte { return bytes.TrimPrefix(data, []byte(bom)) }

// Encoding returns the name of the encoding that data is plainly in if that is
// not UTF-8, "" otherwise: "UTF-16LE", "UTF-16BE", "UTF-32". It is told by its
// byte order mark or, without one, by the NUL bytes of which half of every ASCII
// character then is. PowerShell and Notepad write such files.
func Encoding(data []byte) string {
	starts := func(mark string) bool { return bytes.HasPrefix(data, []byte(mark)) }
	switch {
	case starts("\xff\xfe\x00\x00"), starts("\x00\x00\xfe\xff"):
		return "UTF-32"
	case starts("\xff\xfe"):
		return "UTF-16LE"
	case starts("\xfe\xff"):
		return "UTF-16BE"
	}
	var nul [2]int // at even and at odd offsets
	head := data[:min(len(data), 512)]
	for i, c := range head {
		if c == 0 {
			nul[i%2]++
		}
	}
	switch {
	case nul[0]+nul[1] == len(head): // no text at all: what a crash can leave of a file
		return ""
	case (nul[0]+nul[1])*3 > len(head)*2:
		return "UTF-32"
	case nul[0]*3 > len(head):
		return "UTF-16BE"
	case nul[1]*3 > len(head):
		return "UTF-16LE"
	}
	return ""
}

// UTF8 returns a text as UTF-8 without a byte order mark. Of encodings other
// than UTF-16 it returns data as it is.
func UTF8(data []byte) []byte {
	var order binary.ByteOrder
	switch Encoding(data) {
	case "UTF-16LE":
		order = binary.LittleEndian
	case "UTF-16BE":
		order = binary.BigEndian
	default:
		return TrimBOM(data)
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return TrimBOM([]byte(string(utf16.Decode(units))))
}

// checkEncoding reports what keeps a document from being read as UTF-8, and
// whether nothing does.
func (d *Document) checkEncoding() bool {
	data := d.Source
	if name := Encoding(data); name != "" {
		d.Source = nil // no line of it can be shown
		d.only(Span{}, "is in %s: save it as UTF-8", name)
		return false
	}
	if utf8.Valid(data) && bytes.IndexByte(data, 0) < 0 {
		return true
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			d.only(Span{i, i + 1}, "byte 0x%02x is not UTF-8: save the file as UTF-8, it may be in Latin-1", data[i])
			return false
		case r == 0:
			d.only(Span{i, i + 1}, "NUL byte: not a text file")
			return false
		}
		i += size
	}
	return true
}
