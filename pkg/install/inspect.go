package install

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// Inspect returns how each item's file stands, in the items' order. If a
// receipt matches the file's stat it reads nothing else; other files it
// hashes. It takes no lock and writes nothing.
func (e *Installer) Inspect(ctx context.Context, items []Item) ([]Status, error) {
	return e.inspectAll(ctx, items, false)
}

// Verify is Inspect with every file hashed. A receipt that vouches for bytes
// which are not there is marked, so that from then on Inspect sees the change
// too; for that, and only then, the home's lock is taken: do not call Verify
// while holding it. If marking fails, the error is a *MarkError, and the
// statuses are right all the same.
func (e *Installer) Verify(ctx context.Context, items []Item) ([]Status, error) {
	all, err := e.inspectAll(ctx, items, true)
	if err != nil {
		return nil, err
	}
	if err := e.markDoubt(ctx, all); err != nil {
		return all, &MarkError{err}
	}
	return all, nil
}

func (e *Installer) inspectAll(ctx context.Context, items []Item, hash bool) ([]Status, error) {
	all := make([]Status, len(items))
	open := make([]int, 0, len(items)) // those that have to be hashed
	c, seen := canon{}, map[string]bool{}
	if err := e.home.check(); err != nil {
		return nil, err
	}
	for i, it := range items {
		s := Status{Item: it, path: c.path(it.Path)}
		if seen[s.path] {
			return nil, &ItemError{it, fmt.Errorf("%s: is requested twice", it.Path)}
		}
		seen[s.path] = true
		all[i] = s
	}
	done := make([]bool, len(items))
	err := parallel.EachUntil(context.Background(), len(items), e.limit, func(i int) (err error) {
		if err := items[i].check(); err != nil {
			return err
		}
		if done[i], err = e.byReceipt(&all[i]); err != nil {
			return &ItemError{items[i], err}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, s := range all {
		if !done[i] || hash && s.State == OK {
			open = append(open, i)
		}
	}
	err = e.each(len(open), true, func(i int) error {
		s := &all[open[i]]
		if err := e.byHash(ctx, s); err != nil {
			return &ItemError{s.Item, err}
		}
		return nil
	})
	return all, err
}

// byReceipt finds what receipt and stat show, and whether that is enough.
func (e *Installer) byReceipt(s *Status) (done bool, err error) {
	var unreadable bool
	switch s.Receipt, unreadable, err = e.receipt(s.path); {
	case err != nil:
		return false, err
	case unreadable:
		s.record = damaged
	case s.Receipt != nil:
		s.record = stale
	}
	s.stat, err = disk.Lstat(s.path)
	if absent(err) {
		s.State = Missing
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if !s.stat.Mode.IsRegular() {
		s.State = s.mismatch()
		if _, link := e.home.Overridden(s.path); link {
			s.State = Missing // the driver under development that stands there gives way
		}
		return true, nil
	}
	if s.sure = e.vouched(s.Receipt, s.stat); !s.sure {
		return false, nil
	}
	s.Found = s.Receipt.SHA256
	s.classify(e.expected(s))
	return true, nil
}

// byHash hashes the file.
func (e *Installer) byHash(ctx context.Context, s *Status) error {
	sum, err := Hash(ctx, s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.State = Missing
		return nil
	case errors.Is(err, fs.ErrPermission):
		s.State = s.mismatch() // whatever it is, nobody here can use it
		return nil
	case err != nil:
		return err
	}
	if s.sure && s.Receipt.SHA256 != sum {
		s.record = mistaken
	}
	s.Found = sum
	s.classify(e.expected(s))
	return nil
}

// expected returns the executable that should stand there, "" if neither the
// lock nor this home knows it.
func (e *Installer) expected(s *Status) digest.Digest {
	if s.Layer.Executable != "" {
		return s.Layer.Executable
	}
	if s.Receipt != nil && s.Receipt.Layer == s.Layer.Digest {
		return s.Receipt.SHA256
	}
	if entry, ok := e.store.lookup(s.Layer.Digest); ok {
		return entry.Executable
	}
	return ""
}

// An installed file has placedMode, and no other of modeBits.
const (
	placedMode = 0o755
	modeBits   = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
)

// mode is the one that the file was placed with.
func (r *Receipt) mode() fs.FileMode {
	if r == nil || r.Mode == 0 {
		return placedMode
	}
	return r.Mode
}

func (s *Status) classify(wanted digest.Digest) {
	r := s.Receipt
	switch {
	case s.Found != wanted:
		s.State = s.mismatch()
		s.Unjudged = s.State == Foreign && wanted == ""
		return
	case s.stat.Mode&0o111 == 0 && executableBits:
		s.State, s.mode = NotExecutable, true
	case s.stat.Mode&modeBits != r.mode() && executableBits:
		s.State, s.mode = Changed, true
	default:
		s.State = OK
	}
	if s.sure && r.describes(s.Item, s.Found) {
		s.record = recorded
	}
}

func (s *Status) mismatch() State {
	if s.ours() {
		return Changed
	}
	return Foreign
}

// markDoubt takes their word from the receipts that lie.
func (e *Installer) markDoubt(ctx context.Context, all []Status) error {
	var hold *Hold
	for _, s := range all {
		if s.record != mistaken {
			continue
		}
		if hold == nil {
			var err error
			if hold, err = e.Lock(ctx); err != nil {
				return err
			}
			defer hold.Unlock()
		}
		// Another process may have repaired it since.
		r, _, err := e.receipt(s.path)
		if err == nil && e.vouched(r, s.stat) {
			r.Doubt = true
			err = errors.Join(e.write(*r, true), e.store.doubt(r.Layer))
		}
		if err != nil {
			return &ItemError{s.Item, err}
		}
	}
	return nil
}

// Hash returns the SHA-256 of a file, following a link. It ends early, with
// ctx's error, when ctx is done.
func Hash(ctx context.Context, path string) (digest.Digest, error) {
	sum := sha256.New()
	if err := read(ctx, path, func(p []byte) { sum.Write(p) }); err != nil {
		return "", err
	}
	return digest.NewDigest(digest.SHA256, sum), nil
}

// quickSum is a checksum of a file that costs little more than reading it. Where only
// a time shows that it may have changed, it tells; it is not meant for who forges it.
func quickSum(ctx context.Context, path string) (quick uint32, err error) {
	err = read(ctx, path, func(p []byte) { quick = addQuick(quick, p) })
	return quick, err
}

func addQuick(quick uint32, p []byte) uint32 {
	return crc32.Update(quick, crc32.MakeTable(crc32.Castagnoli), p)
}

func read(ctx context.Context, path string, add func([]byte)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 128<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.Read(buf)
		add(buf[:n])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// absent reports whether nothing is there: a file in the place of a folder above,
// or links that lead in a circle, are reported once something is to be written.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || system.Is(err, syscall.ENOTDIR) || system.Is(err, syscall.ELOOP)
}
