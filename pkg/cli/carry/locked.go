package carry

import (
	"errors"
	"fmt"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// forPlatforms returns the part of a lock that --platform asks for. A driver that
// serves none of them is an error, as it is for sync.
func forPlatforms(e *env.Env, l *lockfile.Lock, words []string) (*lockfile.Lock, error) {
	if len(words) == 0 {
		return l, nil
	}
	platforms, err := e.ParsePlatforms(words)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, p := range l.Plugins {
		for _, platform := range platforms {
			if _, ok := p.Platform(platform); !ok {
				errs = append(errs, project.NoPlatform(p, platform))
			}
		}
	}
	return transfer.Restrict(l, platforms), errors.Join(errs...)
}

// transferEvent shows how far a copy has come.
func transferEvent(u *ui.UI, verb string) func(transfer.Event) {
	return func(e transfer.Event) {
		subject := e.Subject
		switch {
		case e.There && u.Verbose:
			u.Say("%s: is there already", subject)
		case e.There || e.Total < ui.Small && !u.Verbose:
		default:
			u.Track(verb+" "+subject, fmt.Sprintf("%s %s, %s", verb, subject, ui.Bytes(e.Total)), e.Done, e.Total)
		}
	}
}

// problemTexts reports what could not be carried.
func problemTexts(problems []transfer.Problem) []string {
	out := []string{}
	for _, p := range problems {
		out = append(out, p.String())
	}
	slices.Sort(out)
	return out
}

// printCarried prints what was carried. If that is not all, it is a failure:
// then it is told for a person, on standard error.
func printCarried(u *ui.UI, v ui.View, what string, problems []string) error {
	if len(problems) == 0 {
		return u.Print(v)
	}
	if !u.Quiet {
		v.Text(ui.NewLines(u.Err))
	}
	return incomplete(u, what, problems)
}

// incomplete warns of everything that could not be carried; it is nil where there
// is nothing.
func incomplete(u *ui.UI, what string, problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	for _, p := range problems {
		u.Warn("%s", p)
	}
	return hint.Refuse(fmt.Sprintf("%s: incomplete, %s could not be carried", what, ui.Count(len(problems), "item")))
}
