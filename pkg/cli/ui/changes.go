package ui

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// change is an item of a LockDiff: what became of one locked plugin.
type change struct {
	Name    string   `json:"name" col:"NAME,name"`
	Change  string   `json:"change" col:"CHANGE"`
	From    string   `json:"from" col:"FROM"`
	To      string   `json:"to" col:"TO"`
	Details []string `json:"details,omitempty"`
}

func changesOf(changes []lockfile.Change) []change {
	items := make([]change, 0, len(changes))
	for _, c := range changes {
		items = append(items, changeOf(c))
	}
	return items
}

func changeOf(c lockfile.Change) change {
	return change{Name: c.Name, Change: string(c.Kind), From: Locked(c.From), To: Locked(c.To), Details: changeDetails(c)}
}

// Locked is what a person calls a locked release: its version, else the
// tag or digest that names it.
func Locked(p *lockfile.Plugin) string {
	switch {
	case p == nil:
		return ""
	case p.Version != "":
		return p.Version
	case p.Tag != "":
		return p.Tag
	}
	return string(p.Digest)
}

// changeDetails says what else changed, the most important line first: who
// signed.
func changeDetails(c lockfile.Change) []string {
	var out []string
	if c.From == nil || c.To == nil {
		return nil
	}
	switch c.Signer {
	case lockfile.SignerReplaced:
		out = append(out, fmt.Sprintf("SIGNER CHANGED: %s -> %s", c.From.Signature, c.To.Signature))
	case lockfile.SignerLost:
		out = append(out, "SIGNATURE LOST: was signed by "+c.From.Signature.String())
	case lockfile.SignerGained:
		out = append(out, "signed by "+c.To.Signature.String())
	case lockfile.SignerRef:
		out = append(out, fmt.Sprintf("signed by the same workflow, for another ref: %s -> %s", c.From.Signature, c.To.Signature))
	}
	if c.Repository {
		out = append(out, fmt.Sprintf("repository %s -> %s", c.From.Repository, c.To.Repository))
	}
	if c.Kind == lockfile.Moved {
		out = append(out, fmt.Sprintf("digest moved: %s -> %s", cmp.Or(string(c.From.Digest), "-"), cmp.Or(string(c.To.Digest), "-")))
	}
	list := func(what string, platforms []artifact.Platform) {
		if len(platforms) > 0 {
			out = append(out, what+" "+artifact.JoinPlatforms(platforms))
		}
	}
	list("gains", c.PlatformsGained)
	list("loses", c.PlatformsLost)
	if len(c.AliasesGained) > 0 {
		out = append(out, "also installed as "+strings.Join(c.AliasesGained, ", "))
	}
	if len(c.AliasesLost) > 0 {
		out = append(out, "no longer installed as "+strings.Join(c.AliasesLost, ", "))
	}
	for _, r := range c.Requires {
		out = append(out, fmt.Sprintf("requires %s %s -> %s", r.Name, cmp.Or(r.From, "-"), cmp.Or(r.To, "-")))
	}
	return out
}

// changeLine is one change in a line, for a command whose result is another.
func changeLine(c lockfile.Change, dryRun bool) string {
	item := changeOf(c)
	verb := "locked"
	if dryRun {
		verb = "would be locked"
	}
	if c.To == nil {
		verb = strings.Replace(verb, "locked", "unlocked", 1)
		item.To = item.From
		item.From = ""
	}
	line := fmt.Sprintf("%s %s %s", item.Name, item.To, verb)
	if item.From != "" && item.From != item.To {
		line += " (was " + item.From + ")"
	}
	if len(item.Details) > 0 {
		line += "; " + strings.Join(item.Details, "; ")
	}
	return line
}

// markdownDiff writes a lock's changes as a table for a pull request.
func markdownDiff(w Lines, items []change) {
	if len(items) == 0 {
		w.Line("No driver changes.")
		return
	}
	w.Line("| driver | change | from | to | details |")
	w.Line("| --- | --- | --- | --- | --- |")
	for _, it := range items {
		details := make([]string, len(it.Details))
		for i, d := range it.Details {
			if details[i] = Markdown(d); strings.HasPrefix(d, "SIGN") {
				details[i] = "**" + details[i] + "**"
			}
		}
		w.Line("| %s | %s | %s | %s | %s |", Markdown(it.Name), Markdown(it.Change), Markdown(it.From), Markdown(it.To), strings.Join(details, "<br>"))
	}
}

// Changes is the view of a LockDiff: what became of each locked plugin.
func Changes(changes []lockfile.Change) View {
	items := changesOf(changes)
	v := List("LockDiff", "plugin", items)
	v.Markdown = func(w Lines) { markdownDiff(w, items) }
	v.Text = func(w Lines) { printChanges(w, items) }
	return v
}

// printChanges writes a changelog of a lock, a line for each driver.
func printChanges(w Lines, items []change) {
	for _, it := range items {
		switch {
		case it.From == "" || it.From == it.To:
			w.Line("%s %s %s", it.Change, it.Name, it.To)
		case it.To == "":
			w.Line("%s %s %s", it.Change, it.Name, it.From)
		default:
			w.Line("%s %s %s -> %s", it.Change, it.Name, it.From, it.To)
		}
		for _, d := range it.Details {
			w.Line("    %s", d)
		}
	}
}
