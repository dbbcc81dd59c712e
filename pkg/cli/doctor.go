package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (a *app) doctorCommand() *cobra.Command {
	var start bool
	cmd := a.command("doctor", "Check everything and say what to run",
		`Looks at configuration, home, manifest, lock, installed drivers, the host's
discovery order, trust rules, registries, mirrors, credentials and this
machine's clock. Exit code 1 where a locked driver would not load; advice alone
is exit code 0.

Nothing is changed and, without --probe, no driver is started.`,
		examples(
			"doctor", "check this project and machine",
			"doctor --offline", "ask no registry",
			"doctor --probe", "also start each installed driver once"),
		none, func(cmd *cobra.Command, _ []string) error { return a.runDoctor(cmd.Context(), start) })
	cmd.Flags().BoolVar(&start, "probe", false, "start each installed driver once (runs its code)")
	return cmd
}

// finding is an item of a FindingList: what one check saw.
type finding struct {
	Check   string `json:"check"`
	Subject string `json:"subject"`
	State   string `json:"state"` // ok, advice or problem
	Text    string `json:"text"`
	Hint    string `json:"hint"`
}

const (
	findOK      = "ok"
	findAdvice  = "advice"
	findProblem = "problem" // a locked driver would not load
)

// checkup collects what doctor finds.
type checkup struct {
	a     *app
	items []finding
}

func (c *checkup) add(state, check, subject, text, hint string) {
	c.items = append(c.items, finding{check, subject, state, text, hint})
}

func (a *app) runDoctor(ctx context.Context, start bool) error {
	c := &checkup{a: a}
	if _, err := a.loadConfig(); err != nil {
		return err
	}
	p, err := a.syncProject(true)
	if err != nil {
		return err
	}
	c.home(p.Engine())
	c.host()
	lock, err := c.project(p)
	if err != nil {
		return err
	}
	if err := c.drivers(ctx, p, lock, start); err != nil {
		return err
	}
	if err := c.trust(p, lock); err != nil {
		return err
	}
	if !a.flags.offline {
		c.registries(ctx, p, lock)
	}
	if err := a.printFindings(c.items); err != nil {
		return err
	}
	if n := c.problems(); n > 0 {
		return &refused{fmt.Sprintf("doctor: %s", count(n, "problem")), nil}
	}
	return nil
}

func (c *checkup) problems() int {
	n := 0
	for _, f := range c.items {
		if f.State == findProblem {
			n++
		}
	}
	return n
}

func (a *app) printFindings(items []finding) error {
	v := view{object: newList("FindingList", items), columns: cols("STATE", "CHECK", "SUBJECT", "FINDING", "RUN")}
	for _, f := range items {
		v.names = append(v.names, f.Check)
		v.rows = append(v.rows, []any{f.State, f.Check, f.Subject, f.Text, f.Hint})
	}
	v.text = func(w io.Writer) {
		for _, f := range items {
			line := fmt.Sprintf("%-8s %s %s", f.State, f.Check, escape(f.Subject))
			if f.Text != "" {
				line += ": " + escape(f.Text)
			}
			fmt.Fprintln(w, line)
			if f.Hint != "" {
				fmt.Fprintf(w, "%-8s %s\n", "", escape(f.Hint))
			}
		}
	}
	return a.print(v)
}
