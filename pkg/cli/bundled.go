package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
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
	Name       string        `json:"name"`
	Version    string        `json:"version"`
	Platforms  []string      `json:"platforms"`
	Repository string        `json:"repository"`
	Digest     digest.Digest `json:"digest"`
	Referrers  int           `json:"referrers"` // of its repository: signatures, attestations, SBOMs
	Bytes      int64         `json:"bytes"`     // of its repository
}

func newBundled(file string, l *lockfile.Lock, graphs []*transfer.Graph, tools []transfer.Tool) *bundled {
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

func (b *bundled) view(text func(io.Writer)) view {
	v := view{object: newSingle("Bundle", *b), text: text, columns: cols("NAME", "VERSION", "PLATFORMS", "SIGNATURES", "REPOSITORY", "DIGEST")}
	for _, p := range b.Plugins {
		v.names = append(v.names, p.Name)
		v.rows = append(v.rows, []any{p.Name, p.Version, strings.Join(p.Platforms, ","), p.Referrers, p.Repository, p.Digest.String()})
	}
	return v
}

// created tells what was written.
func (b *bundled) created(w io.Writer) {
	fmt.Fprintf(w, "%s: %s, %s, %s\n", escape(b.File), count(len(b.Plugins), "driver"), count(b.Files, "file"), bytesText(b.Bytes))
	switch {
	case b.Layout == "tar":
		fmt.Fprintf(w, "  %s\n", b.Digest)
	case b.Added+b.Removed == 0:
		fmt.Fprintln(w, "  nothing changed")
	default:
		fmt.Fprintf(w, "  written: %d; removed: %d; kept: %d\n", b.Added, b.Removed, b.Kept)
	}
}

// inspected tells what is in it.
func (b *bundled) inspected(w io.Writer) {
	for _, p := range b.Plugins {
		fmt.Fprintf(w, "%s %s from %s\n", p.Name, orNone(p.Version), escape(p.Repository))
		if p.Digest != "" {
			fmt.Fprintf(w, "  %s\n", p.Digest)
		}
		fmt.Fprintf(w, "  platforms: %s\n", strings.Join(p.Platforms, " "))
		if p.Referrers > 0 {
			fmt.Fprintf(w, "  signatures and the like: %d\n", p.Referrers)
		}
	}
	if len(b.Tools) > 0 {
		fmt.Fprintf(w, "this program for: %s\n", strings.Join(b.Tools, " "))
	}
	fmt.Fprintf(w, "%s, %s\n", count(b.Files, "file"), bytesText(b.Bytes))
}
