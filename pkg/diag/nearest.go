package diag

import (
	"strings"
)

// nearestLength bounds the work for a word from a hostile file.
const nearestLength = 64

// Nearest returns the word of among that word most likely meant: the one with
// the fewest letters to insert, delete, replace or swap with a neighbour, upper
// and lower case alike. ok is false where none is near: at most one change for
// every three letters, and two at the least from four letters on.
func Nearest(word string, among []string) (nearest string, ok bool) {
	if len(word) > nearestLength {
		return "", false
	}
	typed := []rune(strings.ToLower(word))
	best := len(typed) / 3
	if len(typed) >= 4 {
		best = max(best, 2)
	}
	best = max(best, 1) + 1
	for _, candidate := range among {
		if d := distance(typed, []rune(strings.ToLower(candidate))); d < best && d < len(typed) {
			nearest, best, ok = candidate, d, true
		}
	}
	return nearest, ok
}

// distance is the optimal string alignment distance (Levenshtein's, with swaps
// of neighbours as one change).
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
