package ui

import (
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// work is what the installer has to do in this run, and how far it is.
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

// Left reports what a run that was interrupted has done, and what it has not: ""
// if it had no drivers to install.
func (u *UI) Left() string {
	u.progress.mu.Lock()
	defer u.progress.mu.Unlock()
	return u.progress.work.left()
}

// left reports what a run that was interrupted has done, and what it has not: ""
// if it had no drivers to install.
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

// Installing returns what is told of the installer's events. servedFrom names
// where a repository's layers come from, "" where that is not known.
func (u *UI) Installing(servedFrom func(repository string) string) func(install.Event) {
	return func(e install.Event) {
		switch e.Kind {
		case install.EventNeed:
			u.progress.mu.Lock()
			u.progress.work.add(e)
			u.progress.mu.Unlock()
		case install.EventFetch:
			key := layerKey(e.Layer)
			line := fmt.Sprintf("fetching %s, %s", key, Bytes(e.Total))
			if from := servedFrom(e.Layer.Repository); from != "" {
				line += " from " + from
			}
			u.Track(key, line, e.Done, e.Total)
			u.showTotal(e)
		case install.EventStaged:
			u.finishBar(e)
			u.showTotal(e)
		case install.EventPlaced:
			u.progress.mu.Lock()
			u.progress.work.placed = append(u.progress.work.placed, e.Item.Name)
			u.progress.mu.Unlock()
		case install.EventWait:
			who := "another process"
			if e.PID > 0 {
				who = fmt.Sprintf("process %d", e.PID)
			}
			u.Say("waiting for %s, which holds %s", who, e.Subject)
		case install.EventNoLocks:
			u.noLocks.Do(func() {
				u.Warn("%s: its file system has no locks; let only one run at a time work there", e.Path)
			})
		case install.EventSwept:
			if u.Verbose {
				u.Say("removed %s, left by a process that ended", e.Path)
			}
		}
	}
}

func layerKey(l install.Layer) string { return l.Plugin + " " + l.Platform.String() }
