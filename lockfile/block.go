package lockfile

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// block is what a side has of one plugin: the lines from [[plugin]] up to the
// next one.
type block struct {
	from, to int    // lines of the side, from 0; to is behind the last
	name     string // "" if it cannot be read
	mixed    bool   // put together from text of a conflict and text around it
	text     string // without white space around it
}

// dropUnsure removes the plugins of which the side's text is nobody's, and
// returns their names.
//
// Git compares lines and knows no plugins. If one side adds an entry and the
// other removes its neighbour, it may take the name of one plugin for the
// conflict and settle, outside of it, on the digests of another, or leave an
// entry on one side twice. Lines that many entries share (a version, a
// platform, a size) prove nothing and may stand anywhere.
func (s *side) dropUnsure() []string {
	lines := slices.Collect(bytes.Lines(s.text))
	blocks := s.blocks(lines)
	seen, unsure := map[string]block{}, map[string]bool{}
	for _, b := range blocks {
		first, twice := seen[b.name]
		if b.name != "" && (b.mixed || twice && first.text != b.text) {
			unsure[b.name] = true
		}
		seen[b.name] = b
	}
	kept := map[string]bool{}
	for _, b := range slices.Backward(blocks) {
		if b.name != "" && !unsure[b.name] && !kept[b.name] || b.name == "" && !b.mixed {
			kept[b.name] = true
			continue
		}
		lines = slices.Delete(lines, b.from, b.to)
		s.lines = slices.Delete(s.lines, b.from, b.to)
		s.hunk = slices.Delete(s.hunk, b.from, b.to)
	}
	s.text = bytes.Join(lines, nil)
	return slices.Collect(maps.Keys(unsure))
}

func (s *side) blocks(lines [][]byte) []block {
	var blocks []block
	for i, line := range lines {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("[[plugin]]")) {
			continue
		}
		if n := len(blocks); n > 0 {
			blocks[n-1].to = i
		}
		blocks = append(blocks, block{from: i, to: len(lines)})
	}
	for i := range blocks {
		b := &blocks[i]
		b.text = string(bytes.TrimSpace(bytes.Join(lines[b.from:b.to], nil)))
		inside, outside := false, false
		for n := b.from; n < b.to; n++ {
			key, value := keyOf(lines[n])
			if identifies(key) {
				inside, outside = inside || s.hunk[n], outside || !s.hunk[n]
			}
			if name := strings.Trim(value, `"'`); key == "name" && artifact.CheckName(name) == nil {
				b.name = name
			}
		}
		b.mixed = inside && outside
	}
	return blocks
}

// keyOf reads KEY = VALUE as Encode writes it.
func keyOf(line []byte) (key, value string) {
	key, value, _ = strings.Cut(string(line), "=")
	return strings.TrimSpace(key), strings.TrimSpace(value)
}

// identifies reports whether a key's value is one plugin's alone.
func identifies(key string) bool {
	switch key {
	case "name", "repository", "digest", "manifest", "layer", "file", "executable":
		return true
	}
	return false
}
