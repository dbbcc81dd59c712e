package trust

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// maxMemory is the size over which the memory is begun anew, in bytes: 65 for
// a release under a policy.
const maxMemory = 256 << 10

// memory is what this home has verified: a file of lines, each a hash over a
// release, its chain, the rules that it satisfied and who signed. Whoever can
// write to it can write to the installed drivers beside it.
type memory struct {
	file string

	mu    sync.Mutex
	read  bool
	lines map[string]bool
}

// has tells whether all marks are remembered.
func (m *memory) has(marks []string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.load(); err != nil {
		return false, err
	}
	for _, mark := range marks {
		if !m.lines[mark] {
			return false, nil
		}
	}
	return true, nil
}

// load reads the file once. What is no line of ours, as a crash can leave one,
// matches nothing.
func (m *memory) load() error {
	if m.read {
		return nil
	}
	data, err := os.ReadFile(m.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	m.read, m.lines = true, map[string]bool{}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		m.lines[s.Text()] = true
	}
	return nil
}

// add remembers marks. They go to the file in one write at its end, so that
// processes at the same time lose nothing of each other.
func (m *memory) add(marks []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.load(); err != nil {
		return err
	}
	var text strings.Builder
	for _, mark := range marks {
		if !m.lines[mark] {
			m.lines[mark] = true
			text.WriteString(mark + "\n")
		}
	}
	if text.Len() == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(m.file), 0o700); err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(m.file); err == nil && info.Size() > maxMemory {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC // it costs a verification each, once
	}
	f, err := os.OpenFile(m.file, flags, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text.String())
	return errors.Join(err, f.Close())
}

// marks returns the lines that stand for a request under these rules: one for
// each root, and one for each link of the chain.
func (r *Request) marks(rules ruling) []string {
	var out []string
	base := []string{r.Source.Name(), rulePrint(rules.project), rulePrint(rules.machine), r.Locked.Issuer, r.Locked.Identity, r.Locked.Key}
	for _, d := range r.Roots {
		out = append(out, mark(append([]string{"signature", d.String()}, base...)...))
	}
	for _, l := range r.Links {
		out = append(out, mark("chain", r.Source.Name(), l))
	}
	return out
}

func mark(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// rulePrint is everything that a rule's meaning depends on. A trusted root
// counts by its place, size and age: to read it would cost every sync.
func rulePrint(r *policy.Rule) string {
	switch {
	case r == nil:
		return "none"
	case r.Unsigned:
		return "unsigned"
	case r.Keyless == nil:
		return "keys " + strings.Join(r.Fingerprints, " ")
	}
	k := r.Keyless
	text := fmt.Sprintf("keyless %q %q %q %q", k.Issuer, k.Identity, k.IdentityRegexp, k.TrustedRoot)
	if k.TrustedRoot != "" {
		if info, err := os.Stat(k.TrustedRoot); err == nil {
			text += fmt.Sprintf(" %d %d", info.Size(), info.ModTime().UnixNano())
		}
	}
	return text
}
