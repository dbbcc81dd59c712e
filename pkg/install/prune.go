package install

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install/internal/disk"
)

// PruneOptions change what Prune removes.
type PruneOptions struct {
	All       bool          // what only a download wants, too
	Store     bool          // layers in the store that no file and no lock needs, too
	DryRun    bool          // remove nothing
	OlderThan time.Duration // only files placed, and layers used, longer ago
}

// Pruned is what Prune removed, or would.
type Pruned struct {
	Files   []Receipt // by path
	Changed []Receipt // wanted by nobody, but not what was placed: left alone
	Layers  []Entry   // by digest
	Bytes   int64     // of files and layers
}

// Prune removes the files that no claim wants any more. What was changed since
// it was placed is somebody's work, and stays. Errors are joined; what could be
// removed was.
func (h *Hold) Prune(ctx context.Context, o PruneOptions) (Pruned, error) {
	all, err := h.e.Receipts()
	if err != nil {
		return Pruned{}, err
	}
	var out Pruned
	var errs []error
	c := &claims{noDownloads: o.All}
	needed := map[digest.Digest]bool{}
	for _, r := range all {
		c.layers(r, needed)
		if !c.wanted(r) {
			gone, err := h.pruneFile(ctx, r, o, &out)
			if err != nil {
				errs = append(errs, err)
			}
			if gone {
				continue
			}
		}
		needed[r.Layer] = true
	}
	if o.Store {
		errs = append(errs, h.pruneStore(o, needed, &out))
	}
	if !o.DryRun {
		h.e.Sweep()
	}
	return out, errors.Join(errs...)
}

// pruneFile removes one file and its receipt.
func (h *Hold) pruneFile(ctx context.Context, r Receipt, o PruneOptions, out *Pruned) (gone bool, err error) {
	stat, err := disk.Lstat(r.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if o.DryRun {
			return true, nil
		}
		return true, h.e.forget(r.Path)
	}
	if err != nil || h.young(time.Unix(0, stat.Mtime), o) {
		return false, err
	}
	if !r.vouches(stat) {
		same := false
		if stat.Mode.IsRegular() {
			sum, err := Hash(ctx, r.Path)
			if err != nil {
				return false, err
			}
			same = sum == r.SHA256
		}
		if !same {
			out.Changed = append(out.Changed, r)
			return false, nil
		}
	}
	if !o.DryRun {
		// In this order a crash leaves a receipt without a file, which is nothing.
		if err := h.e.disk.Remove(r.Path); err != nil {
			return false, err
		}
		if err := h.e.forget(r.Path); err != nil {
			return false, err
		}
	}
	out.Files = append(out.Files, r)
	out.Bytes += stat.Size
	return true, nil
}

func (h *Hold) pruneStore(o PruneOptions, needed map[digest.Digest]bool, out *Pruned) error {
	entries, err := h.e.store.list()
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if needed[entry.Layer] || h.young(entry.Used, o) {
			continue
		}
		if !o.DryRun {
			if removed, err := h.pruneLayer(entry); err != nil {
				return err
			} else if !removed {
				continue
			}
		}
		out.Layers = append(out.Layers, entry)
		out.Bytes += entry.Size
	}
	return nil
}

// pruneLayer removes an entry, unless it is being fetched anew just now.
func (h *Hold) pruneLayer(entry Entry) (bool, error) {
	lock, err := h.e.disk.TryLock(h.e.layerLock(entry.Layer))
	if lock == nil {
		return false, err
	}
	defer lock.Finish()
	return true, h.e.store.remove(entry)
}

func (h *Hold) young(t time.Time, o PruneOptions) bool {
	return o.OlderThan > 0 && h.e.o.Now().Sub(t) < o.OlderThan
}
