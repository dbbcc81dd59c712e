package install

import (
	"context"
	"io/fs"
)

// Adopt gives a file that was installed by hand a receipt and a claim, if it
// is the item's executable, which the lock must state or the store hold. The
// file's bytes are left alone. Otherwise the error is a *ForeignError, or a
// *fs.PathError where there is no file.
func (h *Hold) Adopt(ctx context.Context, item Item, claim Claim) error {
	all, err := h.e.look(ctx, []Item{item}, true)
	if err != nil {
		return err
	}
	switch s := all[0]; {
	case s.State == Missing:
		return &ItemError{item, &fs.PathError{Op: "adopt", Path: item.Path, Err: fs.ErrNotExist}}
	case s.NeedsLayer():
		return &ItemError{item, &ForeignError{item.Path}}
	}
	_, err = h.Place(ctx, []Item{item}, PlaceOptions{Claim: claim})
	return err
}
