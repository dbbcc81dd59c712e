package author

import (
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// pushed is an object of kind Published, and an item of a PublishedList: a
// release that was published, or would be.
type pushed struct {
	Name       string           `json:"name"`
	Version    string           `json:"version"`
	Repository string           `json:"repository"`
	Digest     string           `json:"digest"`
	Kept       bool             `json:"kept"`
	DryRun     bool             `json:"dryRun"`
	Tags       []string         `json:"tags"`
	Platforms  []pushedPlatform `json:"platforms"`
	registry.Traffic
	Ignored     []string `json:"ignored,omitempty"`
	TagsRefused []string `json:"tagsRefused,omitempty"`

	release string `col:",name"` // NAME-VERSION
}

type pushedPlatform struct {
	Platform   string `json:"platform"`
	Tag        string `json:"tag"`
	Manifest   string `json:"manifest"`
	Layer      string `json:"layer"`
	Size       int64  `json:"size"`
	Executable string `json:"executable"`
	SBOM       string `json:"sbom"`
}

func newPushed(r *publish.Report) pushed {
	p := pushed{
		release: r.Name + "-" + r.Version,
		Name:    r.Name, Version: r.Version, Repository: r.Repository, Digest: string(r.Digest), Kept: r.Kept, DryRun: r.DryRun,
		Tags: []string{}, Platforms: []pushedPlatform{},
		Traffic: r.Traffic,
	}
	for _, t := range r.Tags {
		p.Tags = append(p.Tags, t.Tag)
	}
	slices.Sort(p.Tags)
	for _, t := range r.Refused {
		p.TagsRefused = append(p.TagsRefused, t.Tag)
	}
	for _, q := range r.Platforms {
		p.Platforms = append(p.Platforms, pushedPlatform{q.Platform.String(), q.Tag, string(q.Manifest), string(q.Layer.Digest), q.Layer.Size, string(q.Executable), string(q.SBOM)})
	}
	for _, i := range r.Ignored {
		p.Ignored = append(p.Ignored, i.Subject+": "+i.Text)
	}
	return p
}

// pushedRow is a line of the table of what was published: a platform.
type pushedRow struct {
	Name     string `col:"NAME"`
	Version  string `col:"VERSION"`
	Platform string `col:"PLATFORM"`
	Size     int64  `col:"SIZE,bytes"`
	Layer    string `col:"LAYER"`
	Manifest string `col:"MANIFEST"`
}

// pushView tells of the releases of push all, with what a person should know of
// each said at once.
func pushView(u *ui.UI, reports []*publish.Report) ui.View {
	var items []pushed
	var rows []pushedRow
	for _, r := range reports {
		p := newPushed(r)
		items = append(items, p)
		for _, q := range p.Platforms {
			rows = append(rows, pushedRow{p.Name, p.Version, q.Platform, q.Size, q.Layer, q.Manifest})
		}
		for _, text := range p.Ignored {
			u.Warn("%s", u.Shorten(text))
		}
		if len(r.Refused) > 0 {
			u.Warn("%s: the registry does not let %s move; these tags name this release now: %s: %v",
				r.Repository, strings.Join(p.TagsRefused, ", "), strings.Join(p.Tags, ", "), r.Refused[0])
			u.Hint("hint:", "not to try it: --no-floating-tags")
		}
		slices.Sort(r.Opaque)
		for _, title := range r.Opaque {
			u.Say("%s: holds no Go build information, so no SBOM is attached", title)
		}
		for _, s := range r.Strays {
			u.Warn("%s: %s", r.Repository, s.String())
		}
		if len(r.Strays) > 0 {
			u.Hint("hint:", "to set them: --repair-tags")
		}
		for _, tag := range r.Left {
			u.Warn("%s:%s: is left from an earlier %s, which had this platform: delete the tag in the registry", r.Repository, tag, p.Version)
		}
		if r.Unread {
			u.Warn("%s: may not be read without credentials, so nothing was compared", r.Repository)
		}
	}
	v := ui.List("PublishedList", "release", items).Rows(rows)
	v.Text = func(w ui.Lines) {
		for _, p := range items {
			printReport(w, p)
		}
	}
	return v
}

// printPush prints one release as an object of its own.
func printPush(u *ui.UI, r *publish.Report) error {
	v := pushView(u, []*publish.Report{r})
	one := ui.Single("Published", "release", r.Version, newPushed(r)).Rows(v.Table())
	one.Text = v.Text
	return u.Print(one)
}

// printReport tells a person what became of a release.
func printReport(w ui.Lines, p pushed) {
	verb := "published as"
	switch {
	case p.Kept && p.BlobsSent+p.BlobsMounted > 0:
		verb = "is published already; what was missing was restored:"
	case p.Kept:
		verb = "is published already, unchanged:"
	case p.DryRun:
		verb = "would be published as"
	}
	w.Line("%s %s %s %s@%s", p.Name, p.Version, verb, p.Repository, p.Digest)
	for _, q := range p.Platforms {
		w.Line("  %-14s %8s  %s", q.Platform, ui.Bytes(q.Size), q.Layer)
	}
	if len(p.Tags) > 0 {
		w.Line("tags: %s", strings.Join(p.Tags, " "))
	}
	if p.BytesSent > 0 {
		w.Line("%s", ui.Sent(p.Traffic))
	}
}
