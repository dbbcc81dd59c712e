package ui

import (
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
)

// ImageBase is the image on which another was made.
type ImageBase struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// ImagePlatform is an image of drivers for one platform.
type ImagePlatform struct {
	Platform string       `json:"platform"`
	Manifest string       `json:"manifest"`
	Layers   []ImageLayer `json:"layers"` // the drivers'
	Links    []image.Link `json:"links"`
	Lacks    []string     `json:"lacks,omitempty"` // drivers of the lock that have none for it
}

// ImageLayer is a driver in an image. What only its maker knows can be missing.
type ImageLayer struct {
	Name      string `json:"name" col:"NAME,name"`
	Version   string `json:"version,omitempty" col:"+VERSION"`
	Platform  string `json:"-" col:"PLATFORM"`
	Size      int64  `json:"size" col:"SIZE,bytes"`
	Digest    string `json:"digest" col:"LAYER"`
	MediaType string `json:"mediaType"`
	DiffID    string `json:"diffId"`
	Entry     string `json:"entry" col:"ENTRY"`
	Locked    string `json:"locked,omitempty" col:"+LOCKED"`
	Packed    bool   `json:"packed,omitempty"`
}

// NewImagePlatform returns a platform without layers.
func NewImagePlatform(p artifact.Platform, manifest digest.Digest, links []image.Link) ImagePlatform {
	out := ImagePlatform{Platform: p.String(), Manifest: string(manifest), Layers: []ImageLayer{}, Links: []image.Link{}}
	out.Links = append(out.Links, links...)
	return out
}
