package lockfile

import "bytes"

// marker is the kind of a line that git writes around a conflict: seven of one
// character (githooks' default conflict-marker-size), then a blank and a label
// or nothing.
type marker byte

const (
	noMarker  marker = 0
	oursMark  marker = '<'
	baseMark  marker = '|' // merge.conflictStyle diff3 and zdiff3
	splitMark marker = '='
	endMark   marker = '>'
)

const markerSize = 7

func markerOf(line []byte) marker {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) < markerSize || len(line) > markerSize && line[markerSize] != ' ' {
		return noMarker
	}
	m := marker(line[0])
	switch m {
	case oursMark, baseMark, splitMark, endMark:
	default:
		return noMarker
	}
	for _, c := range line[:markerSize] {
		if marker(c) != m {
			return noMarker
		}
	}
	return m
}

// firstMarker returns the number of the first line that is a conflict marker,
// from 1, and 0 where there is none. None can be part of a lock: TOML has no
// line that begins so, but in strings over several lines, which no lock has.
func firstMarker(data []byte) int {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if markerOf(line) != noMarker {
			return n
		}
	}
	return 0
}
