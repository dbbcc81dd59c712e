package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// mirrored is an item of a MirrorList: one repository.
type mirrored struct {
	Repository string   `json:"repository"`
	Target     string   `json:"target"`
	Tags       []string `json:"tags"`
	Manifests  int      `json:"manifests"`
	Blobs      int      `json:"blobs"`
	Bytes      int64    `json:"bytes"`
	There      int      `json:"there"`
}

func (a *app) printMirror(done []transfer.Copied, target string, rules []rename, m mirrorFlags) error {
	var items []mirrored
	var problems []string
	var lines []rename
	arrived := true // what the lock pins, whatever its tags name
	for _, c := range done {
		arrived = arrived && !slices.ContainsFunc(c.Problems, func(p transfer.Problem) bool {
			return errors.As(p.Err, new(*transfer.SparseError))
		})
		it := mirrored{c.Repository, c.Target, c.Tags, c.Manifests, c.Blobs, c.Bytes, c.There}
		if it.Tags == nil {
			it.Tags = []string{}
		}
		items = append(items, it)
		problems = append(problems, problemTexts(c.Problems)...)
		if _, rule := mirrorPlace(c.Repository, target, rules); !slices.Contains(lines, rule) {
			lines = append(lines, rule)
		}
	}
	v := view{object: newList("MirrorList", items), columns: cols("REPOSITORY", "TARGET", "TAGS", "SENT", "BYTES", "THERE")}
	for _, it := range items {
		v.names = append(v.names, it.Target)
		v.rows = append(v.rows, []any{it.Repository, it.Target, strings.Join(it.Tags, ","), it.Manifests + it.Blobs, bytesText(it.Bytes), it.There})
	}
	v.text = func(w io.Writer) { printMirrored(w, items, lines, m.dryRun) }
	err := a.printCarried(v, "mirror "+target, problems)
	switch {
	case !m.writeConfig:
		return err
	case !arrived:
		a.warn("nothing was written to HOME/config.toml: not every driver has arrived")
		return err
	}
	return errors.Join(err, a.writeMirrors(lines))
}

func printMirrored(w io.Writer, items []mirrored, lines []rename, dryRun bool) {
	verb := "sent"
	if dryRun {
		verb = "would send"
	}
	for _, it := range items {
		fmt.Fprintf(w, "%s -> %s\n", escape(it.Repository), escape(it.Target))
		if len(it.Tags) > 0 {
			fmt.Fprintf(w, "  tags: %s\n", escape(strings.Join(it.Tags, " ")))
		}
		if it.Manifests+it.Blobs == 0 {
			fmt.Fprintf(w, "  everything is there already\n")
			continue
		}
		fmt.Fprintf(w, "  %s: %s, %s, %s", verb, count(it.Manifests, "manifest"), count(it.Blobs, "blob"), bytesText(it.Bytes))
		if it.There > 0 {
			fmt.Fprintf(w, "; there already: %d", it.There)
		}
		fmt.Fprintln(w)
	}
	if len(lines) > 0 {
		fmt.Fprintln(w, "[mirrors]")
	}
	for _, l := range lines {
		fmt.Fprintf(w, "%s = [%s]\n", diag.Quote(l.from), diag.Quote(l.to))
	}
}

// writeMirrors adds the lines to HOME/config.toml, which is written whole.
func (a *app) writeMirrors(lines []rename) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	file := home.Config()
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	out := data
	for _, l := range lines {
		if out, err = config.AddMirror(file, out, l.from, l.to); err != nil {
			return err
		}
	}
	if string(out) == string(data) {
		a.say("%s has these lines already", a.rel(file))
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
	a.say("wrote %s", a.rel(file))
	return nil
}
