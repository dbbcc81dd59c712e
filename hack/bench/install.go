package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
)

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// size is a number of drivers to install, in how many rounds, and how large.
type size struct {
	kind   string
	n      int
	rounds int
	sizes  []int64
	text   string
}

func (b *bench) sizes() []size {
	all := []size{
		{"one", 1, 3, []int64{smaller}, "1 of 57 MB"},
		{"two", 2, 7, []int64{smaller, larger}, "2 of 57 and 79 MB"},
		{"six", 6, 3, []int64{smaller, larger}, "6 of 57 and 79 MB"},
		{"fifty", 50, 2, []int64{eighth}, "50 of 8 MB"},
	}
	if b.full {
		all = append(all, size{"full", 50, 1, []int64{smaller, larger}, "50 of 57 and 79 MB"})
	}
	return all
}

// colds measures installing from nothing. What is in zstd is compared with the loop and
// the floor of the same drivers in gzip.
func (b *bench) colds() error {
	var rows [][]string
	add := func(s size, zstd bool) error {
		row, err := b.cold(s, zstd)
		rows = append(rows, row)
		return err
	}
	for _, s := range b.sizes() {
		if err := add(s, false); err != nil {
			return err
		}
		if s.kind != "two" {
			continue
		}
		s.text += " in zstd (budget 0.55)"
		if err := add(s, true); err != nil {
			return err
		}
	}
	table("Cold: nothing is there", "One request for each driver, its layer.",
		[]string{"drivers", "loop", "floor", "sync", "sync / floor (budget 1.0)", "sync / loop", "peak memory (budget 64 MiB)"}, rows)
	return nil
}

func (b *bench) cold(s size, zstd bool) (row []string, err error) {
	p, err := b.locked(s.kind, s.n, s.sizes...)
	if err != nil {
		return nil, err
	}
	synced := p
	if zstd {
		if synced, err = b.inZstd(p); err != nil {
			return nil, err
		}
	}
	var loops, floors, syncs sample
	for range s.rounds {
		if err := b.clean(nil, "loop", "loop/plugins"); err != nil {
			return nil, err
		}
		if err := into(&loops)(b.loop(p.drivers)); err != nil {
			return nil, err
		}
		if err := b.clean([]string{"loop"}, "floor", "floor/store", "floor/plugins"); err != nil {
			return nil, err
		}
		if err := into(&floors)(b.floor(p.drivers)); err != nil {
			return nil, err
		}
		if err := b.clean([]string{"floor", "home"}); err != nil {
			return nil, err
		}
		b.reg.requests()
		if err := into(&syncs)(b.sync(synced)); err != nil {
			return nil, err
		}
		if got := fmt.Sprint(b.reg.requests()); got != fmt.Sprint(map[string]int{"blobs": s.n}) {
			return nil, fmt.Errorf("%s: made the requests %s", s.text, got)
		}
		if err := b.clean([]string{"home"}); err != nil {
			return nil, err
		}
	}
	b.loops[s.kind] = loops
	return []string{s.text, ms(loops.wall()), ms(floors.wall()), ms(syncs.wall()),
		ratio(syncs.over(floors)), ratio(syncs.over(loops)), mib(syncs.memory())}, nil
}

// into appends a measurement to a sample.
func into(s *sample) func(use, error) error {
	return func(u use, err error) error {
		*s = append(*s, u)
		return err
	}
}

// warms measures installing from the store.
func (b *bench) warms() error {
	var rows [][]string
	for _, s := range b.sizes() {
		p, err := b.locked(s.kind, s.n, s.sizes...)
		if err != nil {
			return err
		}
		if err := b.clean([]string{"home"}, "floor", "floor/store", "floor/plugins"); err != nil {
			return err
		}
		if _, err := b.floor(p.drivers); err != nil {
			return err
		}
		if _, err := b.sync(p); err != nil {
			return err
		}
		var copies, syncs sample
		for range s.rounds {
			if err := b.clean([]string{"home/plugins", "home/receipts"}, "floor/plugins"); err != nil {
				return err
			}
			if err := into(&copies)(b.floorCopy(p.drivers)); err != nil {
				return err
			}
			if err := b.clean(nil, "floor/plugins"); err != nil {
				return err
			}
			b.reg.requests()
			if err := into(&syncs)(b.sync(p)); err != nil {
				return err
			}
			if got := b.reg.requests(); len(got) > 0 {
				return fmt.Errorf("%s: made the requests %v", s.text, got)
			}
		}
		row := []string{s.text, ms(copies.wall()), ms(syncs.wall()), ratio(syncs.over(copies)), "", mib(syncs.memory())}
		if loops := b.loops[s.kind]; len(loops) > 0 {
			row[4] = ratio(float64(syncs.wall()) / float64(loops.wall()))
		}
		rows = append(rows, row)
	}
	table("Warm: the store has them, the folder is empty", "No request.",
		[]string{"drivers", "bare copy", "sync", "sync / copy (budget 0.4)", "sync / loop", "peak memory"}, rows)
	return b.clean([]string{"home", "floor"})
}

// changed measures a sync after one driver of several moved to a new version.
func (b *bench) changed() error {
	var rows [][]string
	for _, s := range b.sizes()[1:3] {
		p, err := b.locked(s.kind, s.n, s.sizes...)
		if err != nil {
			return err
		}
		newer := project{dir: p.dir + "-newer", drivers: append([]driver(nil), p.drivers...)}
		d, err := b.driver(p.drivers[0].name, "1.1.0", smaller)
		if err != nil {
			return err
		}
		newer.drivers[0] = d
		if err := b.writeManifest(newer); err != nil {
			return err
		}
		if err := b.plug("lock", "-C", newer.dir); err != nil {
			return err
		}
		var loops, floors, syncs sample
		for range s.rounds {
			if err := b.plug("sync", "-C", p.dir); err != nil {
				return err
			}
			store := filepath.Join("home", "store", "sha256", hexOf(d.layer.digest))
			if err := b.clean([]string{store}, "loop", "loop/plugins", "floor", "floor/store", "floor/plugins"); err != nil {
				return err
			}
			if err := into(&loops)(b.loop([]driver{d})); err != nil {
				return err
			}
			if err := b.clean([]string{"loop"}); err != nil {
				return err
			}
			if err := into(&floors)(b.floor([]driver{d})); err != nil {
				return err
			}
			if err := b.clean([]string{"floor"}); err != nil {
				return err
			}
			b.reg.requests()
			if err := into(&syncs)(b.sync(newer)); err != nil {
				return err
			}
			if got := b.reg.requests(); got["blobs"] != 1 || len(got) != 1 {
				return fmt.Errorf("%s: made the requests %v", s.text, got)
			}
		}
		rows = append(rows, []string{"1 of " + strconv.Itoa(s.n), ms(loops.wall()), ms(floors.wall()), ms(syncs.wall()),
			ratio(syncs.over(floors)), ratio(syncs.over(loops)), mib(syncs.memory())})
	}
	table("One driver of 57 MB changed", "Loop and floor fetch that one only.",
		[]string{"drivers", "loop", "floor", "sync", "sync / floor", "sync / loop", "peak memory"}, rows)
	return b.clean([]string{"home"})
}

// memory measures the peak memory of installing one large driver.
func (b *bench) memory() error {
	var rows [][]string
	for _, s := range []size{
		{"large", 1, 1, []int64{memorial}, "1 of 200 MB"},
		{"large", 4, 1, []int64{memorial}, "4 of 200 MB"},
	} {
		p, err := b.locked(s.kind, s.n, s.sizes...)
		if err != nil {
			return err
		}
		if err := b.clean([]string{"home"}); err != nil {
			return err
		}
		cold, err := b.sync(p)
		if err != nil {
			return err
		}
		noop, err := b.sync(p)
		if err != nil {
			return err
		}
		verify, err := b.measure(nil, b.plugin, "verify", "-C", p.dir, "--home", b.path("home"))
		if err != nil {
			return err
		}
		rows = append(rows, []string{s.text, mib(cold.Memory), mib(noop.Memory), mib(verify.Memory)})
	}
	table("Peak memory of large drivers", "Budget: 64 MiB, whatever the size or number.",
		[]string{"drivers", "cold sync", "nothing to do", "verify"}, rows)
	return b.clean([]string{"home"})
}
