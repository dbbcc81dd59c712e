package publish

import (
	"context"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/sbom"
)

// contents writes what is in a layer's executable; nil where that holds no Go build
// information. It depends on the executable, name, version and platform alone.
func (l layer) contents(name, version, executable string) ([]byte, error) {
	info, err := probe.Inspect(executable)
	if err != nil || info.Go == nil {
		return nil, nil // what is no executable is for lint to tell
	}
	of := sbom.Component{Type: "application", Name: "schemahero-" + name, Version: version}
	if l.Executable != "" {
		of.Hashes = []sbom.Hash{{Algorithm: "SHA-256", Content: l.Executable.Encoded()}}
	}
	of.Properties = sbom.Properties("platform", l.Platform.String(), "go:main", info.Go.Path)
	return sbom.OfExecutable(of, info.Go.Build).Encode()
}

// describeContents writes an SBOM for each layer, where it is asked for. files
// names the executables.
func (p *publication) describeContents(name string, files func(i int) string) (err error) {
	if p.o.NoSBOM {
		return nil
	}
	for i := range p.layers {
		if p.layers[i].sbom, err = p.layers[i].contents(name, p.version.String(), files(i)); err != nil {
			return err
		}
	}
	return nil
}

// sendSBOMs attaches to each platform's manifest what is in its executable. What is
// there already is the same, byte for byte.
func (p *publication) sendSBOMs(ctx context.Context) error {
	if p.o.NoSBOM {
		return nil
	}
	return parallel.EachUntil(ctx, len(p.graph.parts), atOnce, func(i int) error {
		for _, l := range p.layers {
			if q := p.graph.parts[i]; l.Platform != q.platform || l.zstd != q.zstd {
				continue
			}
			if l.sbom == nil {
				p.add(func(r *Report) { r.Opaque = append(r.Opaque, l.Title) })
				continue
			}
			if err := p.sendSBOM(ctx, p.graph.parts[i], l); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *publication) sendSBOM(ctx context.Context, of part, l layer) error {
	data := ocispec.Descriptor{
		MediaType: sbom.MediaType, Digest: digest.FromBytes(l.sbom), Size: int64(len(l.sbom)),
		Annotations: map[string]string{ocispec.AnnotationTitle: l.Title + ".cdx.json"},
	}
	empty := ocispec.DescriptorEmptyJSON
	empty.Data = nil
	doc, err := encode(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: sbom.MediaType,
		Config: empty, Layers: []ocispec.Descriptor{data},
		Subject: &ocispec.Descriptor{MediaType: of.desc.MediaType, Digest: of.desc.Digest, Size: of.desc.Size},
	})
	if err != nil {
		return err
	}
	p.add(func(r *Report) {
		for i := range r.Platforms {
			if r.Platforms[i].Manifest == of.desc.Digest {
				r.Platforms[i].SBOM = doc.desc.Digest
			}
		}
	})
	if p.o.DryRun {
		return nil
	}
	there, err := p.to.Exists(ctx, doc.desc)
	if err != nil {
		return err
	}
	if !there || !p.report.Kept { // what was cut is completed
		if err := registry.PushBytes(ctx, p.to, artifact.AsBlob(data.Digest, data.Size), l.sbom); err != nil {
			return err
		}
		if err := p.put(ctx, doc); err != nil {
			return err
		}
	}
	if p.o.Sign == nil {
		return nil
	}
	return p.o.Sign(ctx, doc.desc)
}
