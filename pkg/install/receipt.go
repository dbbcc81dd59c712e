package install

import "github.com/opencontainers/go-digest"

// Receipt is what a home remembers of one file that it placed.
type Receipt struct {
	Path       string        `json:"path"`
	Name       string        `json:"name"`
	Plugin     string        `json:"plugin"`
	Version    string        `json:"version,omitempty"`
	Repository string        `json:"repository,omitempty"`
	Platform   string        `json:"platform"`
	Layer      digest.Digest `json:"layer"`
	SHA256     digest.Digest `json:"sha256"` // of the file
	Size       int64         `json:"size"`   // bytes
	Mtime      int64         `json:"mtime"`  // nanoseconds since 1970
	Ctime      int64         `json:"ctime"`  // nanoseconds since 1970; 0 where the system has none
	Inode      uint64        `json:"inode"`  // 0 where the system has none
	Claims     []Claim       `json:"claims"` // sorted
}
