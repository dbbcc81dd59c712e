package install

import "path/filepath"

// canon makes paths canonical and remembers the folders it has resolved. Links
// in a file's folder are resolved, as far as that exists, so that one file has
// one receipt by whatever way a project is reached; the last element is left
// alone, since an installed file may itself have become a link.
type canon map[string]string

func (c canon) path(path string) string {
	dir, base := filepath.Split(filepath.Clean(path))
	real, ok := c[dir]
	if !ok {
		real = resolved(filepath.Clean(dir))
		c[dir] = real
	}
	return filepath.Join(real, base)
}

// Canonical returns the path of a file as receipts have it: absolute paths to one
// file are then equal, by whatever links its folder is reached.
func Canonical(path string) string { return canon{}.path(path) }

func resolved(dir string) string {
	rest := ""
	for d := dir; ; {
		if real, err := filepath.EvalSymlinks(d); err == nil {
			return filepath.Join(real, rest)
		}
		up := filepath.Dir(d)
		if up == d {
			return dir
		}
		rest = filepath.Join(filepath.Base(d), rest)
		d = up
	}
}
