package ui

import (
	"fmt"
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
	total *mpb.Bar // of the work, if that is more than one layer
}

func (u *UI) drawsBars() bool {
	return !u.Quiet && !u.NoProgress && !u.Verbose && !u.dumb() && terminalWidth(u.rawErr) > 0
}

// small is the size, in bytes, below which sending or fetching a file is not worth a
// line: checksums and configs.
const small = 4 << 10

// Track shows how far a subject has come: its bar on a terminal, elsewhere the
// line, once.
func (u *UI) Track(key, line string, done, total int64) {
	if u.Quiet {
		return
	}
	p := &u.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told == nil {
		p.told, p.byKey = map[string]bool{}, map[string]*mpb.Bar{}
	}
	if !u.drawsBars() {
		if !p.told[key] {
			p.told[key] = true
			NewLines(u.rawErr).Line("%s", line)
		}
		return
	}
	if p.bars == nil {
		p.bars = mpb.New(mpb.WithOutput(u.rawErr), mpb.WithWidth(40))
	}
	bar := p.byKey[key]
	if bar == nil {
		bar = p.bars.AddBar(total,
			mpb.PrependDecorators(decor.Name(Escape(key), decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.CountersKiloByte("% .1f / % .1f")))
		p.byKey[key] = bar
	}
	bar.SetCurrent(done)
}

// Carry shows how far a subject is on its way; of what is there already it tells with
// --verbose.
func (u *UI) Carry(verb, subject string, done, total int64, there bool) {
	switch {
	case there && u.Verbose:
		u.Say("%s: is there already", subject)
	case there || total < small && !u.Verbose:
	default:
		u.Track(verb+" "+subject, fmt.Sprintf("%s %s, %s", verb, subject, Bytes(total)), done, total)
	}
}

// showTotal shows how far all that is to be fetched has come, below the bars.
func (u *UI) showTotal(e install.Event) {
	p := &u.progress
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

func (u *UI) finishBar(e install.Event) {
	u.progress.mu.Lock()
	defer u.progress.mu.Unlock()
	if bar := u.progress.byKey[layerKey(e.Layer)]; bar != nil {
		bar.SetCurrent(e.Total)
		bar.SetTotal(e.Total, true)
	}
}

// StopProgress leaves the terminal to what is printed next. Bars of drivers
// that failed stay as they were.
func (u *UI) StopProgress() {
	p := &u.progress
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
