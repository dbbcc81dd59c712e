package project

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func treeCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Command(env.Command{
		Use:   "tree",
		Short: "Show which driver requires which",
		Long: `Drivers of the manifest stand at the left, with the version that the lock has;
below each, what its release requires, and the host version that it supports.`,
		Examples: []env.Example{
			{"tree", "the locked drivers and their requirements"},
			{"tree -o json", "the same for a script"},
			{"tree -f other.toml", "of another manifest"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run: func(*cobra.Command, []string) error {
			p, err := e.Project()
			if err != nil {
				return err
			}
			nodes, err := p.Tree()
			if err != nil {
				return err
			}
			items := treeItems(nodes)
			slices.SortFunc(items, func(x, y treeItem) int { return strings.Compare(x.Name, y.Name) })
			v := ui.List("TreeList", "plugin", items)
			v.Text = func(w ui.Lines) { printTree(w, items) }
			return u.Print(v)
		},
	})
}

// treeItem is an item of a TreeList: a driver and what it requires.
type treeItem struct {
	Name       string     `json:"name" col:"NAME,name"`
	Version    string     `json:"version" col:"VERSION"`
	Constraint string     `json:"constraint" col:"CONSTRAINT"`
	Host       string     `json:"schemahero" col:"HOST"`
	Requires   []treeItem `json:"requires"`
	locked     bool
	repeated   bool
}

func treeItems(nodes []resolve.Node) []treeItem {
	items := []treeItem{}
	for _, n := range nodes {
		items = append(items, treeItem{
			Name: n.Name, Version: ui.Locked(n.Plugin), Constraint: n.Constraint, Host: n.Host,
			Requires: treeItems(n.Requires), locked: n.Plugin != nil, repeated: n.Repeated,
		})
	}
	return items
}

// printTree writes a tree for each item.
func printTree(w ui.Lines, items []treeItem) {
	for _, it := range items {
		w.Line("%s", it.line())
		it.printBelow(w, "")
	}
}

func (it treeItem) printBelow(w ui.Lines, indent string) {
	for i, r := range it.Requires {
		branch, below := "├── ", "│   "
		if i == len(it.Requires)-1 {
			branch, below = "└── ", "    "
		}
		w.Line("%s%s%s", indent, branch, r.line())
		r.printBelow(w, indent+below)
	}
}

func (it treeItem) line() string {
	line := fmt.Sprintf("%s %s (%s)", it.Name, ui.Version(it.Version), it.Constraint)
	switch {
	case !it.locked:
		return fmt.Sprintf("%s (%s), not locked", it.Name, it.Constraint)
	case it.repeated:
		line += ", see above"
	}
	if it.Host != "" {
		line += ", host " + it.Host
	}
	return line
}
