package diag

import "bytes"

// Marker is the kind of a line that a version control system writes around a
// conflict: at least seven times one character, then a blank and a label or
// nothing. git takes its number from the attribute conflict-marker-size, jj makes
// it longer than any such line of the file.
type Marker byte

// The markers. The first four are git's, all but SplitMark are jj's.
const (
	NoMarker     Marker = 0
	OursMark     Marker = '<' // the conflict begins
	BaseMark     Marker = '|' // merge.conflictStyle diff3 and zdiff3
	SplitMark    Marker = '='
	EndMark      Marker = '>'
	DiffMark     Marker = '%'  // a side as the diff from the base
	DiffToMark   Marker = '\\' // what that diff leads to; the marker's second line
	SnapshotMark Marker = '+'  // a side
	OldMark      Marker = '-'  // the base
)

// markerSize is the least number of characters.
const markerSize = 7

// MarkerOf returns which marker a line is, and the number of its characters.
func MarkerOf(line []byte) (m Marker, size int) {
	line = bytes.TrimRight(TrimBOM(line), "\r\n")
	if len(line) < markerSize || !bytes.ContainsRune([]byte(`<|=>%\+-`), rune(line[0])) {
		return NoMarker, 0
	}
	size = len(line) - len(bytes.TrimLeft(line, string(line[:1])))
	if size < markerSize || size < len(line) && line[size] != ' ' {
		return NoMarker, 0
	}
	return Marker(line[0]), size
}

// FirstMarker returns the number of the first line that is a conflict marker,
// from 1, 0 if there is none. In TOML no line begins so, but in a string over
// several lines.
func FirstMarker(data []byte) int {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if m, _ := MarkerOf(line); m != NoMarker {
			return n
		}
	}
	return 0
}
