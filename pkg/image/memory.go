package image

import (
	"crypto/sha256"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// maxMemory is the size over which the memory is begun again, in bytes: about 300
// a layer.
const maxMemory = 4 << 20

// Memory is what this home knows of layers: a file of lines, each a JSON object. A
// layer's bytes cannot change, so neither can what is known of it. Whoever can
// write to the file can write to the installed drivers next to it.
//
// It only ever saves reading a layer again: a file that cannot be read is empty,
// and one that cannot be written costs that. It is safe for use by several
// goroutines, and by several processes.
type Memory struct {
	// Stored returns the file of the executable in a layer, and its digest, where it
	// is at hand; may be nil.
	Stored func(layer digest.Digest) (path string, executable digest.Digest, ok bool)

	file string // "": only this process remembers

	mu     sync.Mutex
	facts  map[digest.Digest]unpack.Facts // nil until the file is read
	packed map[packedKey]Packed
	lost   error
}

// OpenMemory returns the memory in a file, which need not exist. Nothing is read
// yet. With "" it lasts as long as the process.
func OpenMemory(file string) *Memory { return &Memory{file: file} }

// packedKey is what the bytes of a layer that was packed again depend on.
type packedKey struct {
	Layer    digest.Digest
	Name     string
	Platform artifact.Platform
	Packer   string
}

// line is one of the file.
type line struct {
	Layer digest.Digest `json:"layer"`
	*unpack.Facts

	Packed   *Packed           `json:"packed,omitempty"`
	Name     string            `json:"name,omitempty"`
	Platform artifact.Platform `json:"platform,omitzero"`
	Packer   string            `json:"packer,omitempty"`
}

// Layer implements Known.
func (m *Memory) Layer(layer digest.Digest) (unpack.Facts, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	f, ok := m.facts[layer]
	if ok && f.Frame != nil {
		return m.complete(layer, f)
	}
	return f, ok
}

// complete finds the digest of a layer's tar by the executable that was in it.
func (m *Memory) complete(layer digest.Digest, f unpack.Facts) (unpack.Facts, bool) {
	if m.Stored == nil {
		return f, false
	}
	path, want, ok := m.Stored(layer)
	if !ok {
		return f, false
	}
	in, err := os.Open(path)
	if err != nil {
		return f, false
	}
	defer in.Close()
	sum := sha256.New()
	f.DiffID, err = f.Frame.DiffID(io.TeeReader(in, sum))
	if f.Frame = nil; err != nil || digest.NewDigest(digest.SHA256, sum) != want {
		return f, false
	}
	m.facts[layer] = f
	m.write(line{Layer: layer, Facts: &f})
	return f, true
}

// Packed implements Known.
func (m *Memory) Packed(layer digest.Digest, name string, p artifact.Platform) (Packed, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	packed, ok := m.packed[packedKey{layer, name, p, pack.Version}]
	return packed, ok
}

// Learn remembers what a layer is, if all is known.
func (m *Memory) Learn(layer digest.Digest, f unpack.Facts) {
	if !f.Complete() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	if old, known := m.facts[layer]; !known || old.Frame != nil && f.Frame == nil {
		m.facts[layer] = f
		m.write(line{Layer: layer, Facts: &f})
	}
}

// LearnPacked remembers what a layer becomes.
func (m *Memory) LearnPacked(layer digest.Digest, name string, p artifact.Platform, packed Packed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	key := packedKey{layer, name, p, pack.Version}
	if m.packed[key] != packed {
		m.packed[key] = packed
		m.write(line{Layer: layer, Packed: &packed, Name: name, Platform: p, Packer: pack.Version})
	}
}

// load reads the file once. What is not a line of ours, as a crash can leave one,
// says nothing.
func (m *Memory) load() {
	if m.facts != nil {
		return
	}
	m.facts, m.packed = map[digest.Digest]unpack.Facts{}, map[packedKey]Packed{}
	if m.file == "" {
		return
	}
	data, err := os.ReadFile(m.file)
	if err != nil {
		return
	}
	for text := range strings.Lines(string(data)) {
		l := line{Facts: &unpack.Facts{}}
		switch err := json.Unmarshal([]byte(text), &l); {
		case err != nil || !artifact.IsContentDigest(l.Layer):
		case l.Packed != nil:
			if l.Packed.valid() {
				m.packed[packedKey{l.Layer, l.Name, l.Platform, l.Packer}] = *l.Packed
			}
		case l.Complete() && (l.DiffID == "" || artifact.IsContentDigest(l.DiffID)):
			m.facts[l.Layer] = *l.Facts
		}
	}
}

func (p Packed) valid() bool {
	return artifact.IsContentDigest(p.Digest) && artifact.IsContentDigest(p.DiffID) && p.Size > 0
}

// write adds a line to the file.
func (m *Memory) write(l line) {
	if data, err := json.Marshal(l); err == nil && m.file != "" {
		if err := (disk.Disk{}).Note(m.file, append(data, '\n'), maxMemory); err != nil {
			m.lost = err
		}
	}
}

// Lost returns why something was not written to the file, so that it has to be read
// again; nil where all was.
func (m *Memory) Lost() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lost
}
