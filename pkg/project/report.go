package project

import (
	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// plan fills in what a sync would do, so that a dry run can show it and the
// real one has what it did where nothing was to do.
func (r *SyncReport) plan(work []install.Status, force bool) {
	r.Items = make([]Synced, len(work))
	for i, s := range work {
		r.Items[i] = Synced{Status: s, Action: s.Planned()}
		if s.Unjudged && !force {
			r.Items[i].Action = install.Adopted // or else it is in the way
		}
	}
}

// placed replaces the plan by what was done.
func (r *SyncReport) placed(report install.Report) {
	done := map[string]install.Placed{}
	for _, p := range report.Placed {
		done[p.Item.Path] = p
	}
	for i := range r.Items {
		it := &r.Items[i]
		p, ok := done[it.Path]
		if ok {
			it.Action, it.State = p.Action, install.OK
		} else {
			it.Action = ""
		}
	}
	r.Conflicts = report.Conflicts
	r.Dropped = report.Dropped
}

// Merge adds what another sync did.
func (r *SyncReport) Merge(other *SyncReport) {
	if r.Lock == nil {
		r.Lock = &lockfile.Lock{}
	}
	r.Lock.Plugins = append(r.Lock.Plugins, other.Lock.Plugins...)
	r.Changes = append(r.Changes, other.Changes...)
	r.Items = append(r.Items, other.Items...)
	r.Conflicts = append(r.Conflicts, other.Conflicts...)
	r.Dropped = append(r.Dropped, other.Dropped...)
}
