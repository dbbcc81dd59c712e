package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

func (a *app) treeCommand() *cobra.Command {
	return a.command("tree", "Show which driver requires which",
		`Drivers of the manifest stand at the left, with the version that the lock has;
below each, what its release requires, and the host version that it supports.`,
		examples(
			"tree", "the locked drivers and their requirements",
			"tree -o json", "the same for a script",
			"tree -f other.toml", "of another manifest"),
		none, func(*cobra.Command, []string) error {
			p, err := a.project()
			if err != nil {
				return err
			}
			nodes, err := p.Tree()
			if err != nil {
				return err
			}
			items := treeItems(nodes)
			slices.SortFunc(items, func(x, y treeItem) int { return strings.Compare(x.Name, y.Name) })
			v := view{object: newList("TreeList", items), columns: cols("NAME", "VERSION", "CONSTRAINT", "HOST"),
				text: func(w io.Writer) { printTree(w, items) }}
			for _, it := range items {
				v.names = append(v.names, it.Name)
				v.rows = append(v.rows, []any{it.Name, it.Version, it.Constraint, it.Host})
			}
			return a.print(v)
		})
}

// treeItem is an item of a TreeList: a driver and what it requires.
type treeItem struct {
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Constraint string     `json:"constraint"`
	Host       string     `json:"schemahero"`
	Requires   []treeItem `json:"requires"`
	locked     bool
	repeated   bool
}

func treeItems(nodes []resolve.Node) []treeItem {
	items := []treeItem{}
	for _, n := range nodes {
		items = append(items, treeItem{
			Name: n.Name, Version: entryVersion(n.Plugin), Constraint: n.Constraint, Host: n.Host,
			Requires: treeItems(n.Requires), locked: n.Plugin != nil, repeated: n.Repeated,
		})
	}
	return items
}

// printTree writes a tree for each item.
func printTree(w io.Writer, items []treeItem) {
	for _, it := range items {
		fmt.Fprintln(w, it.line())
		it.printBelow(w, "")
	}
}

func (it treeItem) printBelow(w io.Writer, indent string) {
	for i, r := range it.Requires {
		branch, below := "├── ", "│   "
		if i == len(it.Requires)-1 {
			branch, below = "└── ", "    "
		}
		fmt.Fprintf(w, "%s%s%s\n", indent, branch, r.line())
		r.printBelow(w, indent+below)
	}
}

func (it treeItem) line() string {
	line := fmt.Sprintf("%s %s (%s)", escape(it.Name), escape(orNone(it.Version)), escape(it.Constraint))
	switch {
	case !it.locked:
		return fmt.Sprintf("%s (%s), not locked", escape(it.Name), escape(it.Constraint))
	case it.repeated:
		line += ", see above"
	}
	if it.Host != "" {
		line += ", host " + escape(it.Host)
	}
	return line
}
