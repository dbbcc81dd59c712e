package main

import (
	"fmt"
	"os"
	"time"
)

const (
	lockRounds = 3
	farAway    = 30 * time.Millisecond // what each answer takes, to a registry that is not here
)

// locks measures resolving, from nothing, near and far from the registry.
func (b *bench) locks() error {
	var rows [][]string
	for _, n := range []int{1, 6, 50, 200} {
		p, err := b.project("tiny", n, tiny)
		if err != nil {
			return err
		}
		near, got, err := b.lock(p)
		if err != nil {
			return err
		}
		b.reg.wait.Store(int64(farAway))
		far, _, err := b.lock(p)
		b.reg.wait.Store(0)
		if err != nil {
			return err
		}
		rows = append(rows, []string{fmt.Sprintf("%d plugins", n), ms(near.wall()), ms(far.wall()),
			fmt.Sprintf("%d + %d", got["tags"], got["manifests"]), mib(max(near.memory(), far.memory()))})
	}
	table("Lock, from nothing", fmt.Sprintf("Far away every answer takes %d ms more.", farAway.Milliseconds()),
		[]string{"manifest", "near", "far away", "tag lists + manifests", "peak memory"}, rows)

	rows = nil
	for _, n := range []int{5_000, 50_000} {
		name := fmt.Sprintf("tags%d", n)
		d, err := b.driver(name, "1.0.0", tiny)
		if err != nil {
			return err
		}
		var more []string
		for i := range n - 1 {
			more = append(more, fmt.Sprintf("0.%d.%d", i/100, i%100))
		}
		b.reg.alias(name, "1.0.0", more)
		p := project{dir: b.path("project-" + name), drivers: []driver{d}}
		if err := b.writeManifest(p); err != nil {
			return err
		}
		s, got, err := b.lock(p)
		if err != nil {
			return err
		}
		rows = append(rows, []string{fmt.Sprintf("%d tags", n), ms(s.wall()),
			fmt.Sprintf("%d + %d", got["tags"], got["manifests"]), mib(s.memory())})
	}
	table("Lock of one plugin among many tags", "", []string{"repository", "time", "pages of tags + manifests", "peak memory"}, rows)
	return nil
}

// lock measures a project's lock, and counts the requests of one.
func (b *bench) lock(p project) (s sample, requests map[string]int, err error) {
	for range lockRounds {
		if err := b.clean([]string{"home"}); err != nil {
			return nil, nil, err
		}
		if err := os.Remove(p.dir + "/schemahero-plugins.lock"); err != nil && !os.IsNotExist(err) {
			return nil, nil, err
		}
		b.reg.requests()
		if err := into(&s)(b.measure(nil, b.plugin, "lock", "-C", p.dir, "--home", b.path("home"))); err != nil {
			return nil, nil, err
		}
		requests = b.reg.requests()
	}
	return s, requests, nil
}
