package cluster

import (
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
)

// pushedImage is an object of kind PushedImage.
type pushedImage struct {
	Repository   string             `json:"repository"`
	Tag          string             `json:"tag"`
	Digest       string             `json:"digest"`
	Reference    string             `json:"reference"` // REPOSITORY@DIGEST
	Base         *ui.ImageBase      `json:"base,omitempty"`
	DryRun       bool               `json:"dryRun"`
	Platforms    []ui.ImagePlatform `json:"platforms"`
	LeftOut      []string           `json:"leftOut"` // platforms that the base has not
	BytesSent    int64              `json:"bytesSent"`
	BlobsSent    int                `json:"blobsSent"`
	BlobsMounted int                `json:"blobsMounted"`
	BlobsSkipped int                `json:"blobsSkipped"`
}

func printImage(u *ui.UI, r *image.Report, base *image.Base) error {
	p := pushedImage{
		Repository: r.Repository, Tag: r.Tag, Digest: string(r.Index.Digest), Reference: artifact.Reference(r.Repository, string(r.Index.Digest)),
		DryRun: r.DryRun, Platforms: []ui.ImagePlatform{}, LeftOut: []string{},
		BytesSent: r.Sent, BlobsSent: r.Blobs, BlobsMounted: r.Mounted, BlobsSkipped: r.Skipped,
	}
	if base != nil {
		p.Base = &ui.ImageBase{Name: base.Name, Digest: string(base.Digest)}
	}
	for _, l := range r.Left {
		p.LeftOut = append(p.LeftOut, l.String())
	}
	if len(r.Left) > 0 {
		u.Warn("%s: has no image for %s, so neither has this one", base.Name, artifact.JoinPlatforms(r.Left))
	}
	var rows []ui.ImageLayer
	for _, part := range r.Parts {
		q := ui.NewImagePlatform(part.Platform, part.Manifest.Digest, part.Links)
		for _, l := range part.Layers {
			q.Layers = append(q.Layers, ui.ImageLayer{
				Name: l.Plugin, Version: l.Version, Platform: q.Platform, Size: l.Desc.Size, Digest: string(l.Desc.Digest), MediaType: l.Desc.MediaType,
				DiffID: string(l.DiffID), Entry: l.Entry, Locked: string(l.Locked.Layer), Packed: l.Packed,
			})
		}
		rows = append(rows, q.Layers...)
		q.Lacks = append(q.Lacks, part.Lacks...)
		for _, name := range part.Lacks {
			u.Warn("%s: has no release for %s, so the image for that lacks it", name, part.Platform)
		}
		p.Platforms = append(p.Platforms, q)
	}
	switch {
	case r.DryRun:
	case r.Sent == 0:
		u.Say("the image was there already: nothing was sent")
	default:
		u.Say("%s", ui.Sent(r.Sent, r.Blobs, r.Mounted, r.Skipped))
	}
	v := ui.Single("PushedImage", "image", p.Reference, p).Rows(rows)
	v.Text = func(w ui.Lines) { w.Line("%s", p.Reference) }
	return u.Print(v)
}
