package carry

import (
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// bundled is an object of kind Bundle: a bundle or a vendored folder.
type bundled struct {
	File    string          `json:"file"`
	Layout  string          `json:"layout"` // tar or folder
	Digest  digest.Digest   `json:"digest,omitempty"`
	Files   int             `json:"files"`
	Bytes   int64           `json:"bytes"`
	Added   int             `json:"added,omitempty"`   // files, in a folder
	Removed int             `json:"removed,omitempty"` //
	Kept    int             `json:"kept,omitempty"`    //
	Tools   []string        `json:"tools,omitempty"`   // platforms that this program is in it for
	Plugins []bundledPlugin `json:"plugins"`
}

type bundledPlugin struct {
	Name       string        `json:"name" col:"NAME,name"`
	Version    string        `json:"version" col:"VERSION"`
	Platforms  []string      `json:"platforms" col:"PLATFORMS"`
	Referrers  int           `json:"referrers" col:"SIGNATURES"` // of its repository: signatures, attestations, SBOMs
	Repository string        `json:"repository" col:"REPOSITORY"`
	Digest     digest.Digest `json:"digest" col:"DIGEST"`
	Bytes      int64         `json:"bytes"` // of its repository
}

func newBundled(file string, l *lockfile.Lock, graphs []*transfer.Graph, tools []ocilayout.Tool) *bundled {
	b := &bundled{File: file, Plugins: []bundledPlugin{}}
	for _, t := range tools {
		b.Tools = append(b.Tools, t.Platform.String())
	}
	for _, p := range l.Plugins {
		it := bundledPlugin{Name: p.Name, Version: p.Version, Repository: p.Repository, Digest: p.Digest, Platforms: []string{}}
		for _, q := range p.Platforms {
			it.Platforms = append(it.Platforms, q.Platform.String())
		}
		for _, g := range graphs {
			if g.Repository != p.Repository {
				continue
			}
			it.Bytes = g.Size()
			for _, m := range g.Manifests {
				if m.Subject != "" || len(m.Tags) > 0 && strings.HasPrefix(m.Tags[0], "sha256-") {
					it.Referrers++
				}
			}
		}
		b.Plugins = append(b.Plugins, it)
	}
	return b
}

func (b *bundled) view(text func(ui.Lines)) ui.View {
	v := ui.Single("Bundle", "plugin", "", *b).Rows(b.Plugins)
	v.Text = text
	return v
}

// created reports what was written.
func (b *bundled) created(w ui.Lines) {
	w.Line("%s: %s, %s, %s", b.File, ui.Count(len(b.Plugins), "driver"), ui.Count(b.Files, "file"), ui.Bytes(b.Bytes))
	switch {
	case b.Layout == "tar":
		w.Line("  %s", b.Digest)
	case b.Added+b.Removed == 0:
		w.Line("  nothing changed")
	default:
		w.Line("  written: %d; removed: %d; kept: %d", b.Added, b.Removed, b.Kept)
	}
}

// inspected reports what is in it.
func (b *bundled) inspected(w ui.Lines) {
	for _, p := range b.Plugins {
		w.Line("%s %s from %s", p.Name, ui.Version(p.Version), p.Repository)
		if p.Digest != "" {
			w.Line("  %s", p.Digest)
		}
		w.Line("  platforms: %s", strings.Join(p.Platforms, " "))
		if p.Referrers > 0 {
			w.Line("  signatures and the like: %d", p.Referrers)
		}
	}
	if len(b.Tools) > 0 {
		w.Line("this program for: %s", strings.Join(b.Tools, " "))
	}
	w.Line("%s, %s", ui.Count(b.Files, "file"), ui.Bytes(b.Bytes))
}
