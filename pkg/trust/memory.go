package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// maxMemory is the size over which the memory is begun again, in bytes: 65 for
// a release under a policy.
const maxMemory = 256 << 10

// maxSigner is how long a signer may be in text to be remembered, in bytes.
const maxSigner = 4 << 10

// memory is what this home has verified: a file of lines, each a mark and,
// if that does not say who signed, the signer. Whoever can write to it can
// write to the installed drivers next to it.
//
// It only ever saves work. If the file cannot be read, by another of the
// users who share the home say, nothing is remembered; if it cannot be
// written, each run verifies again.
type memory struct {
	dir string // "": only this process remembers

	mu    sync.Mutex
	lines map[string]string // by mark, the signer's text; nil until the file is read
}

// mark is a line to be: a hash over a release or its chain, the rule that it
// satisfied and whom the lock says to have signed; and who did, if the lock
// says nothing.
type mark struct {
	hash string
	by   Signer // who signed
	said bool   // the hash is over by too: the line need not say it
}

// recall reports whether all marks are remembered, and who signed: the zero value
// if they are of nobody's signature.
func (m *memory) recall(marks []mark) (by Signer, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	for _, k := range marks {
		text, ok := m.lines[k.hash]
		if !ok {
			return Signer{}, false
		}
		who := k.by
		if !k.said && text != "" && json.Unmarshal([]byte(text), &who) != nil {
			return Signer{}, false
		}
		if !by.IsZero() && !who.IsZero() && who != by { // each root was verified for somebody else
			return Signer{}, false
		}
		if by.IsZero() {
			by = who
		}
	}
	return by, true
}

func (m *memory) file() string { return filepath.Join(m.dir, "verified") }

// load reads the file once. What is not a line of ours, as a crash can leave one,
// matches nothing.
func (m *memory) load() {
	if m.lines != nil {
		return
	}
	m.lines = map[string]string{}
	if m.dir == "" {
		return
	}
	data, err := os.ReadFile(m.file())
	if err != nil {
		return
	}
	for line := range strings.Lines(string(data)) {
		hash, by, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		m.lines[hash] = by
	}
}

// add remembers marks.
func (m *memory) add(marks []mark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	var text strings.Builder
	for _, k := range marks {
		by := ""
		if !k.said && !k.by.IsZero() {
			data, err := json.Marshal(k.by)
			if err != nil || len(data) > maxSigner {
				continue // it costs a verification each time
			}
			by = string(data)
		}
		if had, ok := m.lines[k.hash]; !ok || had != by {
			m.lines[k.hash] = by
			text.WriteString(strings.TrimRight(k.hash+" "+by, " ") + "\n")
		}
	}
	if text.Len() > 0 && m.dir != "" {
		_ = disk.Disk{}.Note(m.file(), []byte(text.String()), maxMemory)
	}
}

// marks returns what stands for a request under these rules: one mark for each
// root and rule that asks for a signature, and one for each link of the chain.
func (r *Request) marks(rules ruling) []mark {
	return append(r.projectMarks(rules.project, r.Locked, r.Locked), r.otherMarks(rules)...)
}

// learnt returns what to remember of a request that is satisfied: as the lock is
// going to say it and, if it says nothing of who signed, so too.
func (r *Request) learnt(rules ruling, signer Signer) []mark {
	out := r.projectMarks(rules.project, signer, signer)
	if r.Locked.IsZero() {
		out = append(out, r.projectMarks(rules.project, Signer{}, signer)...)
	}
	return append(out, r.otherMarks(rules)...)
}

func (r *Request) projectMarks(rule *policy.Rule, locked, by Signer) (out []mark) {
	if !asks(rule) {
		return nil
	}
	for _, d := range r.Roots {
		hash := hashOf("signature", d.String(), r.Source.Name(), rulePrint(rule), locked.Issuer, locked.Identity, locked.Key)
		out = append(out, mark{hash, by, !locked.IsZero()})
	}
	return out
}

// otherMarks are those that do not depend on who signed.
func (r *Request) otherMarks(rules ruling) (out []mark) {
	for _, rule := range rules.machine {
		if !asks(rule) {
			continue
		}
		for _, d := range r.Roots {
			out = append(out, mark{hash: hashOf("machine", d.String(), r.Source.Name(), rulePrint(rule))})
		}
	}
	for _, l := range r.Links {
		out = append(out, mark{hash: hashOf("chain", r.Source.Name(), l)})
	}
	return out
}

func hashOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// rulePrint is everything that a rule's meaning depends on. A trusted root
// counts by its place, size and age.
func rulePrint(r *policy.Rule) string {
	if r.Keyless == nil {
		return "keys " + strings.Join(r.Fingerprints, " ")
	}
	k := r.Keyless
	text := fmt.Sprintf("keyless %q %q %q %q", k.Issuer, k.Identity, k.IdentityRegexp, k.TrustedRoot)
	if k.Attestation != "" {
		text += fmt.Sprintf(" attestation %q", k.Attestation)
	}
	if k.TrustedRoot != "" {
		if info, err := os.Stat(k.TrustedRoot); err == nil {
			text += fmt.Sprintf(" %d %d", info.Size(), info.ModTime().UnixNano())
		}
	}
	return text
}
