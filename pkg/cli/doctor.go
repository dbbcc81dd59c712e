package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
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
	State   string `json:"state" col:"STATE"` // ok, advice or problem
	Check   string `json:"check" col:"CHECK,name"`
	Subject string `json:"subject" col:"SUBJECT"`
	Text    string `json:"text" col:"FINDING"`
	Hint    string `json:"hint" col:"RUN"`
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
	c.items = append(c.items, finding{state, check, subject, text, hint})
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
	// That there is no home, or none that this user may read, was told.
	if err := c.drivers(ctx, p, lock, start); err != nil && !errors.As(err, new(*install.NoHomeError)) && !errors.Is(err, fs.ErrPermission) {
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
		return &refused{fmt.Sprintf("doctor: %s", ui.Count(n, "problem")), nil}
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
	v := ui.List("FindingList", "check", items)
	v.Text = func(w ui.Lines) {
		for _, f := range items {
			line := fmt.Sprintf("%-8s %s %s", f.State, f.Check, f.Subject)
			if f.Text != "" {
				line += ": " + f.Text
			}
			w.Line("%s", line)
			if f.Hint != "" {
				w.Line("%-8s %s", "", f.Hint)
			}
		}
	}
	return a.ui.Print(v)
}
