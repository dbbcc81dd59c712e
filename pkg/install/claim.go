package install

import (
	"path/filepath"
	"strings"
)

// Claim is who wants an installed file: a lock, by its absolute path, or
// `download`, by the name asked for.
type Claim string

const downloadPrefix = "download:"

// LockClaim returns the claim of the lock at an absolute path. Links in its
// folder are resolved, so that one lock has one claim.
func LockClaim(path string) Claim { return Claim(canonical(path)) }

// DownloadClaim returns the claim of a `download NAME`.
func DownloadClaim(name string) Claim { return Claim(downloadPrefix + name) }

// Lock returns the path of the lock that claims, and false for a download.
func (c Claim) Lock() (path string, ok bool) {
	return string(c), !strings.HasPrefix(string(c), downloadPrefix)
}

// canonical resolves the links of path's folder, as far as that exists, and
// leaves the last element alone: an installed file may itself be a link.
func canonical(path string) string {
	dir, base := filepath.Split(filepath.Clean(path))
	rest := ""
	for d := filepath.Clean(dir); ; {
		if real, err := filepath.EvalSymlinks(d); err == nil {
			return filepath.Join(real, rest, base)
		}
		up := filepath.Dir(d)
		if up == d {
			return filepath.Join(dir, base)
		}
		rest = filepath.Join(filepath.Base(d), rest)
		d = up
	}
}
