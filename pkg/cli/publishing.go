package cli

import (
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// publishTarget opens a repository to write to. The client of such a run knows
// no mirrors, as one that lags behind its origin would let a published version
// be replaced.
func (a *app) publishTarget(name string) (registry.Repository, error) {
	if a.client == nil {
		o, err := a.registryOptions()
		if err != nil {
			return nil, err
		}
		o.Mirrors = nil
		if a.client, err = registry.New(o); err != nil {
			return nil, err
		}
	}
	return a.repository(name)
}

// tellDone writes what came about before a failure to standard error: results
// of a command that failed are none that a script should read.
func (a *app) tellDone(v ui.View) {
	var text strings.Builder
	v.Text(ui.NewLines(&text))
	for line := range strings.Lines(text.String()) {
		a.ui.Note("%s", strings.TrimSuffix(line, "\n"))
	}
}

// smallFile is the size, in bytes, below which sending or fetching a file is
// not worth a line: checksums and configs.
const smallFile = 4 << 10

// publishEvent tells how far build and push have come: bars on a terminal for
// what is sent and fetched, a line for each file elsewhere.
func (a *app) publishEvent(e publish.Event) {
	subject := e.Subject
	switch e.Stage {
	case publish.StageBuild:
		if !e.Ended {
			a.ui.Say("building %s", subject)
		}
	case publish.StageUpload, publish.StageFetch:
		if e.Total < smallFile && !a.ui.Verbose {
			return
		}
		verb := "sending"
		if e.Stage == publish.StageFetch {
			verb = "fetching"
		}
		a.ui.Track(verb+" "+subject, fmt.Sprintf("%s %s, %s", verb, subject, ui.Bytes(e.Total)), e.Done, e.Total)
	case publish.StageSkip, publish.StageTag:
		if a.ui.Verbose && e.Ended {
			a.ui.Say("%s: %s", subject, stageText(e.Stage))
		}
	}
}

func stageText(s publish.Stage) string {
	if s == publish.StageSkip {
		return "is there already"
	}
	return "tag set"
}
