package sources

import (
	"context"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// imageInfo is an object of kind Image: one that image push made.
type imageInfo struct {
	Repository string             `json:"repository"`
	Tag        string             `json:"tag"`
	Digest     string             `json:"digest"`
	Base       *ui.ImageBase      `json:"base,omitempty"`
	Platforms  []ui.ImagePlatform `json:"platforms"`
	Referrers  []referrerInfo     `json:"referrers"`
}

func printImage(ctx context.Context, u *ui.UI, repo registry.Repository, reference string, found *image.Found) error {
	info := imageInfo{
		Repository: repo.Name(), Digest: string(found.Digest), Platforms: []ui.ImagePlatform{},
		Referrers: referrersOf(ctx, u, repo, found.Digest),
	}
	if !strings.Contains(reference, ":") {
		info.Tag = reference
	}
	if found.BaseName != "" {
		info.Base = &ui.ImageBase{Name: found.BaseName, Digest: found.BaseDigest}
	}
	var rows []ui.ImageLayer
	for _, part := range found.Parts {
		p := ui.NewImagePlatform(part.Platform, part.Manifest, part.Links)
		for _, l := range part.Layers {
			p.Layers = append(p.Layers, ui.ImageLayer{
				Name: l.Plugin, Platform: p.Platform, Size: l.Desc.Size, Digest: string(l.Desc.Digest), MediaType: l.Desc.MediaType,
				DiffID: string(l.DiffID), Entry: l.Entry,
			})
		}
		rows = append(rows, p.Layers...)
		info.Platforms = append(info.Platforms, p)
	}
	if u.Output == "" {
		w := ui.NewLines(u.Out)
		field := fields(w)
		field("Image", "a container image of drivers, for a cluster")
		field("Repository", info.Repository)
		field("Tag", info.Tag)
		field("Digest", info.Digest)
		if info.Base != nil {
			field("Base", info.Base.Name+"@"+info.Base.Digest)
		}
		for _, r := range info.Referrers {
			field("Referrer", r.Digest+" "+r.ArtifactType)
		}
		w.Line("")
	}
	return u.Print(ui.Single("Image", "image", info.Digest, info).Rows(rows))
}
