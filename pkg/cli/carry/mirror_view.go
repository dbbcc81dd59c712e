package carry

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// mirrored is an item of a MirrorList: one repository.
type mirrored struct {
	Repository string   `json:"repository" col:"REPOSITORY"`
	Target     string   `json:"target" col:"TARGET,name"`
	Tags       []string `json:"tags" col:"TAGS"`
	sent       int      `col:"SENT"`
	Manifests  int      `json:"manifests"`
	Blobs      int      `json:"blobs"`
	Bytes      int64    `json:"bytes" col:"BYTES,bytes"`
	There      int      `json:"there" col:"THERE"`
}

func printMirror(e *env.Env, u *ui.UI, done []transfer.Copied, to *transfer.Mapping, m mirrorFlags) error {
	var items []mirrored
	var problems []string
	var lines []transfer.Rule
	arrived := true // what the lock pins, whatever its tags name
	for _, c := range done {
		arrived = arrived && !slices.ContainsFunc(c.Problems, func(p transfer.Problem) bool {
			return errors.As(p.Err, new(*transfer.SparseError))
		})
		it := mirrored{c.Repository, c.Target, c.Tags, c.Manifests + c.Blobs, c.Manifests, c.Blobs, c.Bytes, c.There}
		if it.Tags == nil {
			it.Tags = []string{}
		}
		items = append(items, it)
		problems = append(problems, problemTexts(c.Problems)...)
		for _, p := range c.Refused {
			u.Warn("%s: the tag %s stays where it is: %v", p.Repository, p.Subject, p.Err)
		}
		if _, rule := to.Place(c.Repository); !slices.Contains(lines, rule) {
			lines = append(lines, rule)
		}
	}
	v := ui.List("MirrorList", "repository", items)
	v.Text = func(w ui.Lines) { printMirrored(w, items, lines, m.dryRun) }
	err := printCarried(u, v, "mirror "+to.Target, problems)
	switch {
	case !m.writeConfig:
		return err
	case !arrived:
		u.Warn("nothing was written to HOME/config.toml: not every driver has arrived")
		return err
	}
	return errors.Join(err, writeMirrors(e, u, lines))
}

func printMirrored(w ui.Lines, items []mirrored, lines []transfer.Rule, dryRun bool) {
	verb := "sent"
	if dryRun {
		verb = "would send"
	}
	for _, it := range items {
		w.Line("%s -> %s", it.Repository, it.Target)
		if len(it.Tags) > 0 {
			w.Line("  tags: %s", strings.Join(it.Tags, " "))
		}
		if it.Manifests+it.Blobs == 0 {
			w.Line("  everything is there already")
			continue
		}
		there := ""
		if it.There > 0 {
			there = fmt.Sprintf("; there already: %d", it.There)
		}
		w.Line("  %s: %s, %s, %s%s", verb, ui.Count(it.Manifests, "manifest"), ui.Count(it.Blobs, "blob"), ui.Bytes(it.Bytes), there)
	}
	if len(lines) > 0 {
		w.Line("[mirrors]")
	}
	for _, l := range lines {
		w.Line("%s = [%s]", diag.Quote(l.From), diag.Quote(l.To))
	}
}

// writeMirrors adds the lines to HOME/config.toml, which is written whole.
func writeMirrors(e *env.Env, u *ui.UI, lines []transfer.Rule) error {
	home := e.Home()
	if home.Dir() == "" {
		return &install.NoHomeError{}
	}
	file := home.Config()
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	out := data
	for _, l := range lines {
		if out, err = config.AddMirror(file, out, l.From, l.To); err != nil {
			return err
		}
	}
	if string(out) == string(data) {
		u.Say("%s has these lines already", u.Rel(file))
		return nil
	}
	var d disk.Disk
	if err := d.MkdirAll(filepath.Dir(file)); err != nil {
		return err
	}
	_, _ = d.SweepFile(file) // the next one tries again
	if err := d.WriteFile(file, out, disk.Writing{Follow: true}); err != nil {
		return err
	}
	u.Say("wrote %s", u.Rel(file))
	return nil
}
