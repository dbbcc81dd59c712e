package pubgrub

import (
	"encoding/binary"
	"math/bits"
)

// set is a set of what can become of one package: bit 0 is "not chosen at
// all", bit i+1 is version i of its listing. With bit 0, what the published
// algorithm calls a negative term is an ordinary set, and its set relations
// are the ordinary ones. Sets are never changed once they are shared.
type set []uint64

// absent is the bit that stands for a package that is not chosen.
const absent = 0

func newSet(versions int) set { return make(set, (versions+1+63)/64) }

// fullSet returns the set of everything that can become of a package.
func fullSet(versions int) set {
	s := newSet(versions)
	for bit := range versions + 1 {
		s.add(bit)
	}
	return s
}

func (s set) add(bit int)      { s[bit/64] |= 1 << (bit % 64) }
func (s set) has(bit int) bool { return s[bit/64]&(1<<(bit%64)) != 0 }

func (s set) and(t set) set {
	out := make(set, len(s))
	for i := range s {
		out[i] = s[i] & t[i]
	}
	return out
}

func (s set) or(t set) set {
	out := make(set, len(s))
	for i := range s {
		out[i] = s[i] | t[i]
	}
	return out
}

func (s set) without(t set) set {
	out := make(set, len(s))
	for i := range s {
		out[i] = s[i] &^ t[i]
	}
	return out
}

// within reports whether all of s is in t.
func (s set) within(t set) bool {
	for i := range s {
		if s[i]&^t[i] != 0 {
			return false
		}
	}
	return true
}

// disjoint reports whether nothing of s is in t.
func (s set) disjoint(t set) bool {
	for i := range s {
		if s[i]&t[i] != 0 {
			return false
		}
	}
	return true
}

func (s set) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

func (s set) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// key returns s as something that maps can be indexed by.
func (s set) key() string {
	b := make([]byte, 0, 8*len(s))
	for _, w := range s {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return string(b)
}
