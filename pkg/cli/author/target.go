package author

import (
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// publishTarget opens a repository to write to. The client of such a run knows
// no mirrors, as one that lags behind its origin would let a published version
// be replaced.
func publishTarget(e *env.Env, name string) (registry.Repository, error) {
	if _, err := e.ClientWith(func([]registry.Mirror) []registry.Mirror { return nil }); err != nil {
		return nil, err
	}
	return e.Repository(name)
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
	return func(e publish.Event) { tell(u, e) }
}

func tell(u *ui.UI, e publish.Event) {
	subject := e.Subject
	switch e.Stage {
	case publish.StageBuild:
		if !e.Ended {
			u.Say("building %s", subject)
		}
	case publish.StageUpload, publish.StageFetch:
		if e.Total < ui.Small && !u.Verbose {
			return
		}
		verb := "sending"
		if e.Stage == publish.StageFetch {
			verb = "fetching"
		}
		u.Track(verb+" "+subject, fmt.Sprintf("%s %s, %s", verb, subject, ui.Bytes(e.Total)), e.Done, e.Total)
	case publish.StageSkip, publish.StageTag:
		if u.Verbose && e.Ended {
			u.Say("%s: %s", subject, stageText(e.Stage))
		}
	}
}

func stageText(s publish.Stage) string {
	if s == publish.StageSkip {
		return "is there already"
	}
	return "tag set"
}
