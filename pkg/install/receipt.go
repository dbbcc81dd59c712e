package install

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

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
	Ctime      int64             `json:"ctime"`  // nanoseconds since 1970; 0 where the system has none
	Inode      uint64            `json:"inode"`  // 0 where the system has none
	Claims     []Claim           `json:"claims"` // sorted
	// Mode is what the file got where a file system has modes of its own, so that
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

var errReceipt = errors.New("is no receipt")

// parseReceipt reads a receipt. Only what could do harm is checked: the
// digests lead to files.
func parseReceipt(data []byte) (*Receipt, error) {
	var r Receipt
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(r.Path) || r.Layer.Validate() != nil || r.SHA256.Validate() != nil {
		return nil, errReceipt
	}
	return &r, nil
}
