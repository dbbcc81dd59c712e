package install

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// job is the placing of one file.
type job struct {
	Status
	action Action
	copy   bool    // from the store; otherwise the file there is right
	write  bool    // its receipt is to be written
	claims []Claim // for the receipt
	err    error   // why it was not done

	entry   Entry
	link    disk.Stat // of temp, if that is a link to the store's file
	temp    *disk.Temp
	backup  *disk.Backup // of the file that was there
	renamed bool         // temp stands in its place
}

// transact does all jobs or none. What can fail for lack of space, rights or a
// working disk is done first, beside the files; then each takes one rename. The
// steps, each for all jobs:
//
//  1. writeBeside: the new file, complete and synced
//  2. probe: start it
//  3. ready: the caller saves the lock
//  4. announce: a receipt that the file is this home's, whatever it holds
//  5. rename: the new file takes the old one's place, which is kept
//  6. vouch: the receipt says what is there
//
// A failure before 4 leaves nothing to undo; after it, rollback undoes 5 and 4.
func (e *Installer) transact(ctx context.Context, jobs []*job, probe bool, ready func() error) (err error) {
	defer func() {
		for _, j := range jobs {
			if j.temp == nil && j.backup == nil {
				continue
			}
			_ = e.steady(j, func() error {
				if j.temp != nil {
					j.temp.Discard()
				}
				if j.backup != nil {
					j.backup.Discard()
				}
				return nil
			})
		}
	}()
	for _, step := range []func(context.Context, *job) error{e.writeBeside, e.probe(probe)} {
		if err := e.each(len(jobs), false, func(i int) error { return about(jobs[i], step(ctx, jobs[i])) }); err != nil {
			return err
		}
	}
	if err := ready(); err != nil {
		return err
	}
	if err := e.each(len(jobs), false, func(i int) error { return about(jobs[i], e.announce(jobs[i])) }); err != nil {
		return errors.Join(err, e.rollback(jobs))
	}
	for _, j := range jobs {
		if err = about(j, e.rename(j)); err != nil {
			return errors.Join(err, e.rollback(jobs))
		}
	}
	if err = e.vouch(jobs); err != nil {
		return errors.Join(err, e.rollback(jobs))
	}
	for _, j := range jobs {
		e.emit(Event{Kind: EventPlaced, Item: j.Item, Path: j.Path})
	}
	return nil
}

func about(j *job, err error) error {
	if err == nil {
		return nil
	}
	return &ItemError{j.Item, err}
}

// steady is store.steady for the layers of a job's new and old file.
func (e *Installer) steady(j *job, do func() error) error {
	layers := []digest.Digest{j.Layer.Digest}
	if j.Receipt != nil && j.Receipt.Layer != j.Layer.Digest {
		layers = append(layers, j.Receipt.Layer)
	}
	return e.store.steady(layers, do)
}

// writeBeside puts the new file beside the old one: a clone of the store's, else a
// hard link to it, if the store can repair that after an edit, else a copy.
func (e *Installer) writeBeside(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil || !j.copy {
		return err
	}
	var ok bool
	if j.entry, ok = e.store.lookup(j.Layer.Digest); !ok {
		return &UnstagedError{j.Layer}
	}
	if want := j.Layer.Executable; want != "" && want != j.entry.Executable {
		return &IntegrityError{Layer: j.Layer, Cause: badExecutable, Want: want, Got: j.entry.Executable}
	}
	if !e.store.sound(ctx, j.entry, false) {
		return errors.Join(ctx.Err(), &UnstagedError{j.Layer}) // it rots
	}
	dir := filepath.Dir(j.path)
	if err := e.disk.MkdirAll(dir); err != nil {
		return &FolderError{dir, err}
	}
	e.store.touch(j.entry, e.o.Now())
	linked, err := e.linkBeside(j)
	if linked {
		return nil
	}
	if err == nil {
		j.temp, err = e.disk.CreateTemp(dir, filepath.Base(j.path))
	}
	if err != nil {
		return &FolderError{dir, err}
	}
	n, err := j.temp.CopyFrom(j.entry.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && n != j.entry.Size {
		return &UnstagedError{j.Layer} // it was removed, or cut short, just now
	}
	if err != nil {
		return err
	}
	return j.temp.Seal(placedMode, true)
}

// linkBeside makes the new file a hard link to the store's, if it may be one.
func (e *Installer) linkBeside(j *job) (linked bool, err error) {
	if !e.store.keeps(j.Layer) || !e.links(filepath.Dir(j.path)) {
		return false, nil
	}
	err = e.steady(j, func() error {
		stat, err := disk.Lstat(j.entry.Path)
		if err != nil || !e.store.notes(j.entry.Layer, stat) {
			return nil // it was removed or written to just now: the copy will tell
		}
		t, err := e.disk.LinkTemp(filepath.Dir(j.path), filepath.Base(j.path), j.entry.Path, placedMode)
		if t != nil {
			j.temp, j.link, linked = t, stat, true
		}
		return err
	})
	return linked, err
}

// probe starts each new file. It is a step of its own: while another file
// is open for writing, a started process could inherit that and keep it busy.
func (e *Installer) probe(wanted bool) func(context.Context, *job) error {
	return func(ctx context.Context, j *job) error {
		if !wanted || e.o.Probe == nil || !j.copy || j.Layer.Platform != e.o.Host {
			return nil
		}
		if err := e.o.Probe(ctx, j.Item, j.temp.Path()); err != nil {
			return &ProbeError{j.Item, err}
		}
		return nil
	}
}

// announce writes a receipt for a path that has none, before the file is
// there: killed in between, this home still knows the file as its own.
func (e *Installer) announce(j *job) error {
	if j.ours() || !j.copy {
		return nil
	}
	return e.write(newReceipt(j.Item, j.path, j.entry.Executable, j.claims), true)
}

// rename puts the new file in place.
func (e *Installer) rename(j *job) error {
	if !j.copy && !j.mode {
		return nil
	}
	return e.steady(j, func() (err error) {
		if !j.copy {
			return e.disk.Chmod(j.path, placedMode)
		}
		if j.backup, err = e.disk.Backup(j.path); err != nil {
			return err
		}
		err = j.temp.Rename(j.path)
		j.renamed = err == nil
		return err
	})
}

// vouch makes the renames durable and has the receipts vouch for the files.
func (e *Installer) vouch(jobs []*job) error {
	var dirs []string
	for _, j := range jobs {
		dir := filepath.Dir(j.path)
		if !j.copy || slices.Contains(dirs, dir) {
			continue
		}
		dirs = append(dirs, dir)
		if err := e.disk.SyncDir(dir); err != nil {
			return about(j, err)
		}
	}
	return e.each(len(jobs), false, func(i int) error { return about(jobs[i], e.vouchFor(jobs[i])) })
}

func (e *Installer) vouchFor(j *job) error {
	if !j.write {
		return nil
	}
	// Of a file that was right and stays, the stat from before it was hashed:
	// what changed it since must show.
	stat, sum := j.stat, j.Found
	if j.copy || j.mode {
		now, err := disk.Lstat(j.path)
		if err != nil {
			return err
		}
		stat.Mode, stat.Ctime = now.Mode, now.Ctime
		if j.copy {
			stat, sum = now, j.entry.Executable
		}
	}
	r := newReceipt(j.Item, j.path, sum, j.claims)
	r.vouch(stat)
	// A link's bytes may have been written to since they were known to be right.
	r.Doubt = j.link.Inode != 0 && !stat.SameBytes(j.link)
	return e.write(r, false)
}

// rollback puts the earlier files and their receipts back. What a disk refuses
// even then is healed by the next sync: the files are ours, and whole.
func (e *Installer) rollback(jobs []*job) error {
	var errs []error
	for _, j := range slices.Backward(jobs) {
		if !j.copy {
			continue
		}
		if j.renamed {
			errs = append(errs, about(j, e.steady(j, j.backup.Restore)))
		}
		errs = append(errs, about(j, e.restoreReceipt(j)))
	}
	return errors.Join(errs...)
}

func (e *Installer) restoreReceipt(j *job) error {
	switch {
	case !j.ours():
		return e.forget(j.path)
	case j.record == damaged || !j.renamed:
		return nil // it said nothing, or was not touched
	}
	old := *j.Receipt
	// Being renamed changed the file's ctime, so the receipt is written again,
	// and vouches as much as it did before, unless the file was written to since.
	if stat, err := disk.Lstat(j.path); err == nil && j.sure {
		old.Ctime = stat.Ctime
	}
	return e.write(old, false)
}
