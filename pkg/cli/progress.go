package cli

import (
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// progress shows how far fetching and sending have come: bars on a terminal, a
// line for each driver or file elsewhere.
type progress struct {
	mu    sync.Mutex
	bars  *mpb.Progress
	byKey map[string]*mpb.Bar
	told  map[string]bool
	done  bool
	work  work
	total *mpb.Bar // of the work, where that is more than one layer
}

func (a *app) drawsBars() bool {
	return !a.flags.quiet && !a.flags.noProgress && !a.flags.verbose && a.env("TERM") != "dumb" && terminalWidth(a.Err) > 0
}

// progressLine writes a line to standard error, above the bars if there are
// any.
func (a *app) progressLine(line string) {
	a.progress.mu.Lock()
	defer a.progress.mu.Unlock()
	var w io.Writer = a.Err
	if a.progress.bars != nil && !a.progress.done {
		w = a.progress.bars
	}
	fmt.Fprintln(w, line)
}

// installEvent is told what the install engine does.
func (a *app) installEvent(e install.Event) {
	switch e.Kind {
	case install.EventNeed:
		a.progress.mu.Lock()
		a.progress.work.add(e)
		a.progress.mu.Unlock()
	case install.EventFetch:
		a.fetched(e)
		a.showTotal(e)
	case install.EventStaged:
		a.finishBar(e)
		a.showTotal(e)
	case install.EventPlaced:
		a.progress.mu.Lock()
		a.progress.work.placed = append(a.progress.work.placed, e.Item.Name)
		a.progress.mu.Unlock()
	case install.EventWait:
		who := "another process"
		if e.PID > 0 {
			who = fmt.Sprintf("process %d", e.PID)
		}
		a.say("waiting for %s, which holds %s", who, escape(e.Subject))
	case install.EventSwept:
		if a.flags.verbose {
			a.say("removed %s, left by a process that ended", escape(e.Path))
		}
	}
}

func layerKey(l install.Layer) string { return l.Plugin + " " + l.Platform.String() }

func (a *app) fetched(e install.Event) {
	key := layerKey(e.Layer)
	line := fmt.Sprintf("fetching %s, %s", escape(key), bytesText(e.Total))
	if from := a.servedFrom(e.Layer.Repository); from != "" {
		line += " from " + escape(from)
	}
	a.track(key, line, e.Done, e.Total)
}

// track shows how far a subject has come: its bar on a terminal, elsewhere the
// line, once.
func (a *app) track(key, line string, done, total int64) {
	if a.flags.quiet {
		return
	}
	p := &a.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told == nil {
		p.told, p.byKey = map[string]bool{}, map[string]*mpb.Bar{}
	}
	if !a.drawsBars() {
		if !p.told[key] {
			p.told[key] = true
			fmt.Fprintln(a.Err, line)
		}
		return
	}
	if p.bars == nil {
		p.bars = mpb.New(mpb.WithOutput(a.Err), mpb.WithWidth(40))
	}
	bar := p.byKey[key]
	if bar == nil {
		bar = p.bars.AddBar(total,
			mpb.PrependDecorators(decor.Name(escape(key), decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.CountersKiloByte("% .1f / % .1f")))
		p.byKey[key] = bar
	}
	bar.SetCurrent(done)
}

// showTotal shows how far all that is to be fetched has come, below the bars.
func (a *app) showTotal(e install.Event) {
	p := &a.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work.fetched(e)
	if p.bars == nil || len(p.work.need) < 2 {
		return
	}
	done, of := p.work.sum()
	if p.total == nil {
		p.total = p.bars.AddBar(of, mpb.BarPriority(math.MaxInt),
			mpb.PrependDecorators(decor.Name("total", decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.CountersKiloByte("% .1f / % .1f")))
	}
	p.total.SetTotal(of, false) // what is needed comes to light one by one
	p.total.SetCurrent(done)
}

func (a *app) finishBar(e install.Event) {
	a.progress.mu.Lock()
	defer a.progress.mu.Unlock()
	if bar := a.progress.byKey[layerKey(e.Layer)]; bar != nil {
		bar.SetCurrent(e.Total)
		bar.SetTotal(e.Total, true)
	}
}

// stopProgress leaves the terminal to what is printed next. Bars of drivers
// that failed stay as they were.
func (a *app) stopProgress() {
	p := &a.progress
	p.mu.Lock()
	bars, done := p.bars, p.done
	for _, b := range p.byKey {
		if !b.Completed() {
			b.Abort(false)
		}
	}
	if p.total != nil && !p.total.Completed() {
		p.total.Abort(false)
	}
	p.mu.Unlock()
	if bars == nil || done {
		return
	}
	bars.Wait()
	p.mu.Lock()
	p.done = true
	p.mu.Unlock()
}
