package install

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
)

// Claim is who wants an installed file: a lock, by its absolute path, or
// `download`, by the name asked for, or somebody who is not known any more.
type Claim string

const (
	downloadPrefix = "download:"
	elsewhere      = "elsewhere:"
	// lostClaim stands for those of a damaged receipt: whoever they were,
	// they are taken to want the file.
	lostClaim Claim = "lost:"
)

// LockClaim returns the claim of the lock at an absolute path. Links in its
// folder are resolved, so that one lock has one claim.
func LockClaim(path string) Claim { return Claim(canon{}.path(path)) }

// ElsewhereClaim returns the claim of a lock on files in a folder that somebody
// named for once, beside those in the lock's own place: a sync there leaves it
// alone.
func ElsewhereClaim(path string) Claim { return elsewhere + LockClaim(path) }

// DownloadClaim returns the claim of a `download NAME`.
func DownloadClaim(name string) Claim { return Claim(downloadPrefix + name) }

// Lock returns the path of the lock that claims, and false if none does: for
// a download.
func (c Claim) Lock() (path string, ok bool) {
	path = strings.TrimPrefix(string(c), elsewhere)
	return path, c != lostClaim && !strings.HasPrefix(path, downloadPrefix)
}

// standing is what is left of a claim.
type standing int

const (
	wantsNothing standing = iota // the lock is gone, or names no such driver
	wantsOther                   // the lock names the driver, with another layer
	wantsThis
)

// claims reads the locks that claim, each once.
type claims struct {
	locks map[string]claimed // by path
	// noDownloads: what no lock wants is wanted by nobody.
	noDownloads bool
}

type claimed struct {
	lock *lockfile.Lock
	gone bool
}

func (c *claims) read(cl Claim) claimed {
	path, _ := cl.Lock()
	if got, ok := c.locks[path]; ok {
		return got
	}
	l, err := lockfile.Load(path)
	got := claimed{l, absent(err)}
	if err != nil {
		got.lock = nil
	}
	if c.locks == nil {
		c.locks = map[string]claimed{}
	}
	c.locks[path] = got
	return got
}

// standing returns how a claim on a receipt's file still stands. A lock that cannot
// be read, with conflict markers say, is taken to want what it ever wanted.
func (c *claims) standing(cl Claim, r Receipt) standing {
	if _, ok := cl.Lock(); !ok {
		if c.noDownloads {
			return wantsNothing
		}
		return wantsThis
	}
	got := c.read(cl)
	if got.gone {
		return wantsNothing
	}
	if got.lock == nil {
		return wantsThis
	}
	p, ok := got.lock.Plugin(r.Plugin)
	if !ok || r.Name != p.Name && !slices.Contains(p.Aliases, r.Name) {
		return wantsNothing
	}
	for _, platform := range p.Platforms {
		if platform.Layer == r.Layer {
			return wantsThis
		}
	}
	return wantsOther
}

// wanted reports whether anyone wants a file of the receipt's name in its place.
// Of which version does not matter: if it is another, the next sync brings
// that, and until then the host has the old one.
func (c *claims) wanted(r Receipt) bool {
	return slices.ContainsFunc(r.Claims, func(cl Claim) bool { return c.standing(cl, r) != wantsNothing })
}

// layers adds those that the receipt's file, or a lock which claims it, needs.
func (c *claims) layers(r Receipt, into map[digest.Digest]bool) {
	for _, cl := range r.Claims {
		if _, ok := cl.Lock(); !ok {
			continue
		}
		if l := c.read(cl).lock; l != nil {
			for _, p := range l.Plugins {
				for _, platform := range p.Platforms {
					into[platform.Layer] = true
				}
			}
		}
	}
}

// Unused returns the receipts of files that no claim wants any more, by path:
// each lock that claims one is gone, or names no such driver.
func (e *Installer) Unused() ([]Receipt, error) {
	all, err := e.Receipts()
	if err != nil {
		return nil, err
	}
	c := &claims{}
	return slices.DeleteFunc(all, c.wanted), nil
}

// Strays returns the receipts with a claim whose files are not
// among items, by path: what PlaceOptions.Keep is asked about.
func (e *Installer) Strays(items []Item, claim Claim) ([]Receipt, error) {
	others, err := e.receipts(paths(items))
	return slices.DeleteFunc(others, func(r Receipt) bool { return !r.claimed(claim) }), err
}

// paths returns the canonical paths of items.
func paths(items []Item) map[string]bool {
	out, c := map[string]bool{}, canon{}
	for _, it := range items {
		out[c.path(it.Path)] = true
	}
	return out
}

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
