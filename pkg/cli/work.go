package cli

import (
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// work is what the install engine has to do in this run, and how far it is.
type work struct {
	need   []*need
	placed []string
}

// need is a layer to be fetched.
type need struct {
	layer  install.Layer
	done   int64 // bytes
	staged bool
}

func (w *work) of(l install.Layer) *need {
	for _, n := range w.need {
		if n.layer.Digest == l.Digest {
			return n
		}
	}
	return nil
}

func (w *work) add(e install.Event) {
	if w.of(e.Layer) == nil {
		w.need = append(w.need, &need{layer: e.Layer})
	}
}

func (w *work) fetched(e install.Event) {
	n := w.of(e.Layer)
	switch {
	case n == nil:
	case e.Kind == install.EventStaged:
		n.done, n.staged = n.layer.Size, true
	default:
		n.done = e.Done
	}
}

func (w *work) sum() (done, of int64) {
	for _, n := range w.need {
		done, of = done+n.done, of+n.layer.Size
	}
	return done, of
}

// left tells what a run that was interrupted has done, and what it has not: ""
// where it had no drivers to install.
func (w *work) left() string {
	var kept, left, parts []string
	for _, n := range w.need {
		if n.staged {
			kept = append(kept, layerKey(n.layer))
		} else {
			left = append(left, layerKey(n.layer))
		}
	}
	if len(w.need)+len(w.placed) == 0 {
		return ""
	}
	parts = append(parts, "nothing was installed")
	if len(w.placed) > 0 {
		parts[0] = "installed: " + strings.Join(w.placed, ", ")
	}
	if len(kept) > 0 {
		parts = append(parts, "fetched, and kept for the next run: "+strings.Join(kept, ", "))
	}
	if len(left) > 0 {
		parts = append(parts, "left to fetch: "+strings.Join(left, ", "))
	}
	return strings.Join(parts, "; ")
}
