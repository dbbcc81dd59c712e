package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

// pushed is an object of kind Published, and an item of a PublishedList: a
// release that was published, or would be.
type pushed struct {
	Name         string           `json:"name"`
	Version      string           `json:"version"`
	Repository   string           `json:"repository"`
	Digest       string           `json:"digest"`
	Kept         bool             `json:"kept"`
	DryRun       bool             `json:"dryRun"`
	Tags         []string         `json:"tags"`
	Platforms    []pushedPlatform `json:"platforms"`
	BytesSent    int64            `json:"bytesSent"`
	BlobsSent    int              `json:"blobsSent"`
	BlobsMounted int              `json:"blobsMounted"`
	BlobsSkipped int              `json:"blobsSkipped"`
	Ignored      []string         `json:"ignored,omitempty"`
}

type pushedPlatform struct {
	Platform   string `json:"platform"`
	Tag        string `json:"tag"`
	Manifest   string `json:"manifest"`
	Layer      string `json:"layer"`
	Size       int64  `json:"size"`
	Executable string `json:"executable"`
}

func newPushed(r *publish.Report) pushed {
	p := pushed{
		Name: r.Name, Version: r.Version, Repository: r.Repository, Digest: string(r.Digest), Kept: r.Kept, DryRun: r.DryRun,
		Tags: []string{}, Platforms: []pushedPlatform{},
		BytesSent: r.Sent, BlobsSent: r.Blobs, BlobsMounted: r.Mounted, BlobsSkipped: r.Skipped,
	}
	for _, t := range r.Tags {
		p.Tags = append(p.Tags, t.Tag)
	}
	slices.Sort(p.Tags)
	for _, q := range r.Platforms {
		p.Platforms = append(p.Platforms, pushedPlatform{q.Platform.String(), q.Tag, string(q.Manifest), string(q.Layer.Digest), q.Layer.Size, string(q.Executable)})
	}
	for _, i := range r.Ignored {
		p.Ignored = append(p.Ignored, i.Subject+": "+i.Text)
	}
	return p
}

// printPush prints one release as an object of its own.
func (a *app) printPush(r *publish.Report) error {
	v := a.pushView([]*publish.Report{r})
	v.object = newSingle("Published", newPushed(r))
	return a.print(v)
}

// printPushed prints the releases of push all.
func (a *app) printPushed(reports []*publish.Report) error {
	v := a.pushView(reports)
	var items []pushed
	for _, r := range reports {
		items = append(items, newPushed(r))
	}
	v.object = newList("PublishedList", items)
	return a.print(v)
}

func (a *app) pushView(reports []*publish.Report) view {
	v := view{columns: cols("NAME", "VERSION", "PLATFORM", "SIZE", "LAYER", "MANIFEST")}
	for _, r := range reports {
		p := newPushed(r)
		v.names = append(v.names, p.Name)
		for _, q := range p.Platforms {
			v.rows = append(v.rows, []any{p.Name, p.Version, q.Platform, bytesText(q.Size), q.Layer, q.Manifest})
		}
		for _, text := range p.Ignored {
			a.warn("%s", escape(a.shorten(text)))
		}
		for _, tag := range r.Left {
			a.warn("%s:%s: is left from an earlier %s, which had this platform: delete the tag in the registry", escape(r.Repository), tag, p.Version)
		}
		if r.Unread {
			a.warn("%s: may not be read without credentials, so nothing was compared", escape(r.Repository))
		}
	}
	v.text = func(w io.Writer) {
		for _, r := range reports {
			printReport(w, newPushed(r))
		}
	}
	return v
}

// printReport tells a person what became of a release.
func printReport(w io.Writer, p pushed) {
	verb := "published as"
	switch {
	case p.Kept && p.BlobsSent+p.BlobsMounted > 0:
		verb = "is published already, and was made whole:"
	case p.Kept:
		verb = "is published already, unchanged:"
	case p.DryRun:
		verb = "would be published as"
	}
	fmt.Fprintf(w, "%s %s %s %s@%s\n", p.Name, p.Version, verb, p.Repository, p.Digest)
	for _, q := range p.Platforms {
		fmt.Fprintf(w, "  %-14s %8s  %s\n", q.Platform, bytesText(q.Size), q.Layer)
	}
	if len(p.Tags) > 0 {
		fmt.Fprintf(w, "tags: %s\n", strings.Join(p.Tags, " "))
	}
	if p.BytesSent == 0 {
		return
	}
	sent := fmt.Sprintf("sent: %s, %s", bytesText(p.BytesSent), count(p.BlobsSent, "blob"))
	if p.BlobsMounted > 0 {
		sent += fmt.Sprintf("; taken from another repository: %d", p.BlobsMounted)
	}
	if p.BlobsSkipped > 0 {
		sent += fmt.Sprintf("; there already: %d", p.BlobsSkipped)
	}
	fmt.Fprintln(w, sent)
}
