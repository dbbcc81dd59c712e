package ui

import (
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// Synced prints what a sync did, or with dryRun would do, and its failure.
func (u *UI) Synced(r *project.SyncReport, failed error, dryRun bool) error {
	u.StopProgress()
	if r == nil {
		return failed
	}
	u.Resolved(r.Result)
	if failed == nil || r.Saved {
		for _, c := range r.Changes {
			u.Say("%s", changeLine(c, dryRun))
		}
	}
	for _, c := range r.Conflicts {
		lock, _ := c.Claim.Lock()
		u.Warn("%s: %s wants version %s, which was replaced by %s", c.Item.Path, u.Rel(lock), Version(c.Version), Version(c.Item.Version))
	}
	for _, d := range r.Dropped {
		u.Say("%s: no longer wanted here; prune removes it", u.Rel(d.Path))
	}
	for _, f := range r.Pruned.Files {
		u.Say("%s %s", Removed(dryRun), u.Rel(f.Path))
	}
	if failed != nil {
		if r.Saved && !u.Quiet {
			printActions(NewLines(u.Err), r.Items, dryRun) // with --keep-going, what was done all the same
		}
		return failed
	}
	if u.Output != "" {
		items := r.Standing
		for _, it := range r.Items {
			items = append(items, it.Status)
		}
		return u.Print(Plugins(items, r.Lock))
	}
	printActions(NewLines(u.Out), r.Items, dryRun)
	if !slices.ContainsFunc(r.Items, func(it project.Synced) bool { return it.Action != install.Kept }) {
		u.Say("%s, nothing to do", Count(len(r.Items), "executable"))
	}
	return nil
}

func printActions(w Lines, items []project.Synced, dryRun bool) {
	for _, it := range items {
		if it.Action == install.Kept || it.Action == "" {
			continue
		}
		verb := string(it.Action)
		if dryRun {
			verb = "would be " + verb
			if it.Unjudged && it.Action == install.Adopted {
				verb += ", if its layer holds what is there"
			}
		}
		from := ""
		if r := it.Receipt; r != nil && r.Version != it.Version && r.Version != "" {
			from = " (was " + r.Version + ")"
		}
		w.Line("%s %s %s%s", it.Name, Version(it.Version), verb, from)
	}
}

// Resolved reports what a person should know of a resolution.
func (u *UI) Resolved(r *resolve.Result) {
	if r == nil {
		return
	}
	for _, s := range r.Skipped {
		u.Say("%s", s.String())
	}
	for _, n := range r.Notes {
		u.Say("%s", n.String())
	}
	for _, err := range r.Warnings {
		u.Warn("%s", err.Error())
	}
	for _, m := range r.Moved {
		u.Warn("%s", m.String())
	}
}

// Removed says what becomes of what goes.
func Removed(dryRun bool) string {
	if dryRun {
		return "would remove"
	}
	return "removed"
}

// Accepted is a repository whose releases a trust rule accepts with no signature.
type Accepted struct {
	Repository string
	Rule       policy.Rule
}

// Unsigned warns of what was locked or installed with no signature, because a rule
// says unsigned = true.
func (u *UI) Unsigned(accepted []Accepted) {
	for _, a := range accepted {
		at := a.Rule.Pos
		at.File = u.Rel(at.File)
		u.Warn("%s: accepted without a signature: the trust rule for %s (%s) says unsigned", a.Repository, a.Rule.Scope, at)
	}
}

// Overridden warns of drivers under development that stand in the place of locked
// ones.
func (u *UI) Overridden(all []project.Overridden) {
	for _, o := range all {
		u.Warn("%s: overridden by %s, which is not what is locked", o.Name, u.Rel(o.By))
	}
}
