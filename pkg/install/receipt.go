package install

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// Receipt is what a home remembers of one file that it placed.
type Receipt struct {
	Path       string            `json:"path"` // absolute, the links of its folder resolved
	Name       string            `json:"name"` // the driver's, or an alias
	Plugin     string            `json:"plugin"`
	Version    string            `json:"version,omitempty"`
	Repository string            `json:"repository,omitempty"`
	Platform   artifact.Platform `json:"platform"`
	Layer      digest.Digest     `json:"layer"`
	SHA256     digest.Digest     `json:"sha256"` // of the file
	Size       int64             `json:"size"`   // bytes
	Mtime      int64             `json:"mtime"`  // nanoseconds since 1970
	Ctime      int64             `json:"ctime"`  // nanoseconds since 1970; 0 if the system has none
	Inode      uint64            `json:"inode"`  // 0 if the system has none
	Claims     []Claim           `json:"claims"` // sorted
	// Mode is what the file got if a file system has modes of its own, so that
	// asking for 0755 changed nothing; 0 for 0755.
	Mode fs.FileMode `json:"mode,omitempty"`
	// Doubt: the receipt says only that the file is ours; what is in it must be
	// found out. So it is before the file is placed, and after it was found
	// changed behind the receipt's back.
	Doubt bool `json:"doubt,omitempty"`
}

// newReceipt returns the receipt of a file at a canonical path which is not
// there yet.
func newReceipt(item Item, path string, executable digest.Digest, claims []Claim) Receipt {
	return Receipt{
		Path: path, Name: item.Name, Plugin: item.Plugin, Version: item.Version, Repository: item.Repository,
		Platform: item.Layer.Platform, Layer: item.Layer.Digest, SHA256: executable, Claims: claims, Doubt: true,
	}
}

// vouch makes the receipt vouch for the file that has this stat.
func (r *Receipt) vouch(s disk.Stat) {
	r.Size, r.Mtime, r.Ctime, r.Inode, r.Doubt = s.Size, s.Mtime, s.Ctime, s.Inode, false
	r.Mode = 0
	if mode := s.Mode & modeBits; executableBits && mode != placedMode {
		r.Mode = mode
	}
}

// vouches reports whether the file that has this stat is surely the one placed.
func (r *Receipt) vouches(s disk.Stat) bool {
	return !r.Doubt && r.Mtime == s.Mtime && r.Size == s.Size && r.Ctime == s.Ctime && r.Inode == s.Inode
}

// vouched reports whether the file that has this stat is surely the one that the
// receipt is of: by the receipt, or, if the file is another name of the store's,
// by what the store notes of that, since every name it gets or loses shows in all.
func (e *Installer) vouched(r *Receipt, s disk.Stat) bool {
	if r == nil || r.vouches(s) {
		return r != nil
	}
	was := disk.Stat{Size: r.Size, Mtime: r.Mtime, Inode: r.Inode}
	return !r.Doubt && s.Links > 1 && s.SameBytes(was) && e.store.notes(r.Layer, s)
}

// describes reports whether the receipt says of a file what item and its hash do.
func (r *Receipt) describes(item Item, sum digest.Digest) bool {
	return r.SHA256 == sum && r.Layer == item.Layer.Digest && r.Platform == item.Layer.Platform &&
		r.Name == item.Name && r.Plugin == item.Plugin && r.Version == item.Version && r.Repository == item.Repository
}

func (r *Receipt) claimed(c Claim) bool { return slices.Contains(r.Claims, c) }

// without returns the receipt with the claims left for which end is false.
func (r Receipt) without(end func(Claim) bool) Receipt {
	r.Claims = slices.DeleteFunc(slices.Clone(r.Claims), end)
	return r
}

// withClaim returns claims with one more, sorted, and shares nothing with it.
func withClaim(claims []Claim, c Claim) []Claim {
	out := slices.Clone(claims)
	if c != "" && !slices.Contains(out, c) {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}

// A receipt lies under the hash of its file's path. So one that cannot be read
// still says that the file was placed by this home: it counts as changed, is
// hashed, and repaired. It can do so for no other file, and never makes a
// foreign one ours.
func receiptName(path string) string {
	sum := sha256.Sum256([]byte(path))
	return string(append(hex.AppendEncode(make([]byte, 0, 2*len(sum)+len(".json")), sum[:]), ".json"...))
}

func (e *Installer) receiptFile(path string) string {
	return filepath.Join(e.home.Receipts(), receiptName(path))
}

// receipt reads the receipt for a canonical path. damaged: there is one, but
// it says nothing.
func (e *Installer) receipt(path string) (r *Receipt, damaged bool, err error) {
	text, err := readReceipt(e.receiptFile(path))
	if absent(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if r, err = parseReceipt(text); err != nil || r.Path != path {
		return nil, true, nil
	}
	return r, false, nil
}

// write saves a receipt. Only durable ones are there for certain after a loss
// of power; what others say can be found out again from the file.
func (e *Installer) write(r Receipt, durable bool) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	how := disk.Writing{Durability: disk.Loose}
	if durable {
		how.Durability = disk.Bytes
	}
	return e.disk.WriteFile(e.receiptFile(r.Path), append(data, '\n'), how)
}

func (e *Installer) forget(path string) error { return e.disk.Remove(e.receiptFile(path)) }

// Receipts returns what is known of every installed file, by path. Damaged
// receipts are left out.
func (e *Installer) Receipts() ([]Receipt, error) { return e.receipts(nil) }

// receipts is Receipts without those of some files, by path, which are not
// even read.
func (e *Installer) receipts(without map[string]bool) ([]Receipt, error) {
	if err := e.home.check(); err != nil {
		return nil, err
	}
	skip := map[string]bool{}
	for path := range without {
		skip[receiptName(path)] = true
	}
	names, err := disk.Names(e.home.Receipts())
	if err != nil && !absent(err) {
		return nil, err
	}
	var all []Receipt
	for _, name := range names {
		if skip[name] || !strings.HasSuffix(name, ".json") || strings.HasPrefix(name, ".") {
			continue
		}
		text, err := readReceipt(filepath.Join(e.home.Receipts(), name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process removed it
		}
		if err != nil {
			return nil, err
		}
		if r, err := parseReceipt(text); err == nil && receiptName(r.Path) == name {
			all = append(all, *r)
		}
	}
	slices.SortFunc(all, func(a, b Receipt) int { return cmp.Compare(a.Path, b.Path) })
	return all, nil
}
