package author

import (
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// publishTarget opens a repository to write to. The client of such a run knows
// no mirrors, as one that lags behind its origin would let a published version
// be replaced.
func publishTarget(e *env.Env, name string) (registry.Target, error) {
	if _, err := e.ClientWith(func([]registry.Mirror) []registry.Mirror { return nil }); err != nil {
		return nil, err
	}
	return e.Writable(name)
}

// tellDone writes what came about before a failure to standard error: results
// of a command that failed are none that a script should read.
func tellDone(u *ui.UI, v ui.View) {
	var text strings.Builder
	v.Text(ui.NewLines(&text))
	for line := range strings.Lines(text.String()) {
		u.Note("%s", strings.TrimSuffix(line, "\n"))
	}
}

// told returns what tells how far build and push have come: bars on a terminal for
// what is sent and fetched, a line for each file elsewhere.
func told(u *ui.UI) func(publish.Event) {
	return func(e publish.Event) {
		switch e.Stage {
		case publish.StageBuild:
			if !e.Ended {
				u.Say("building %s", e.Subject)
			}
		case publish.StageUpload:
			u.Carry("sending", e.Subject, e.Done, e.Total, false)
		case publish.StageFetch:
			u.Carry("fetching", e.Subject, e.Done, e.Total, false)
		case publish.StageSkip:
			u.Carry("", e.Subject, e.Done, e.Total, true)
		case publish.StageTag:
			if u.Verbose {
				u.Say("%s: tag set", e.Subject)
			}
		}
	}
}
