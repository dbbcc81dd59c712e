package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const startRounds = 40

// starts measures what starting costs, and a sync that finds nothing to do.
func (b *bench) starts() error {
	commands := [][]string{{b.oras, "version"}, {b.plugin, "version"}}
	texts := []string{"`oras version`", "`version`"}
	const most = 200
	for _, n := range []int{1, 6, 50, most} {
		p, err := b.locked("tiny", n, tiny)
		if err != nil {
			return err
		}
		home := fmt.Sprintf("home-%d", n)
		defer b.clean([]string{home})
		if err := b.plug("sync", "-C", p.dir, "--home", b.path(home)); err != nil {
			return err
		}
		commands = append(commands, []string{b.plugin, "sync", "--no-progress", "-C", p.dir, "--home", b.path(home)})
		texts = append(texts, fmt.Sprintf("`sync`, nothing to do, %d drivers", n))
	}
	b.reg.requests()
	samples := make([]sample, len(commands))
	for range startRounds {
		for i, c := range commands {
			if err := into(&samples[i])(b.measure(nil, c...)); err != nil {
				return err
			}
		}
	}
	if got := b.reg.requests(); len(got) > 0 {
		return fmt.Errorf("nothing to do, but made the requests %v", got)
	}
	var rows [][]string
	for i, s := range samples {
		init := ""
		if i < 2 {
			t, err := b.initialisation(commands[i])
			if err != nil {
				return err
			}
			init = ms(t)
		}
		rows = append(rows, []string{texts[i], ms(s.wall()), ratio(s.over(samples[0])), init, fmt.Sprint(s.faults()), mib(s.memory())})
	}
	var growth []float64
	one, last := samples[2], samples[len(samples)-1]
	for i := range last {
		growth = append(growth, float64(last[i].Wall-one[i].Wall)/(most-1)/float64(time.Millisecond))
	}
	rows = append(rows, []string{"each driver more (budget 0.02 ms)", fmt.Sprintf("%.3f ms", median(growth)), "", "", fmt.Sprint((last.faults() - one.faults()) / (most - 1)), ""})
	table("Nothing to do", "No request; nothing is hashed.",
		[]string{"work", "time", "/ `oras version` (budget 1.5)", "package initialisation", "page faults", "peak memory"}, rows)
	return nil
}

// initialisation returns the median time that a program's packages take to
// initialise, as the Go runtime tells it (GODEBUG=inittrace=1).
func (b *bench) initialisation(command []string) (time.Duration, error) {
	var all []float64
	for range startRounds / 2 {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = append(b.env, "GODEBUG=inittrace=1")
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Run(); err != nil {
			return 0, err
		}
		sum := 0.0
		for line := range strings.Lines(said.String()) {
			// init PACKAGE @1.2 ms, 0.034 ms clock, 560 bytes, 7 allocs
			f := strings.Fields(line)
			if len(f) > 4 && f[0] == "init" {
				v, err := strconv.ParseFloat(f[4], 64)
				if err != nil {
					return 0, fmt.Errorf("%q: %w", line, err)
				}
				sum += v
			}
		}
		all = append(all, sum)
	}
	return time.Duration(median(all) * float64(time.Millisecond)), nil
}
