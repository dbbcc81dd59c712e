package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// PublishedError says that a version is published already, and with other
// content.
type PublishedError struct {
	Repository  string
	Tag         string        // what names it
	Digest      digest.Digest // what Tag names
	Differences []string      // how what was to be published differs from it
}

func (e *PublishedError) Error() string {
	return fmt.Sprintf("%s:%s: is published already: %s", e.Repository, e.Tag, strings.Join(e.Differences, "; "))
}

func (e *PublishedError) Kind() fault.Kind { return fault.Failure }

// published looks for the version in the repository. It returns nil if it is
// not there, the release as published where that has what this one has but for
// the time of creation, and *PublishedError otherwise.
func (p *publication) published(ctx context.Context) (*graph, error) {
	tag := p.report.Tag
	desc, err := p.to.Resolve(ctx, tag)
	if errors.Is(err, artifact.ErrNotFound) {
		return nil, p.publishedElsewhere(ctx)
	}
	if err != nil {
		return nil, err
	}
	if desc.Digest == p.graph.desc.Digest {
		return p.graph, nil
	}
	desc, data, err := p.to.Manifest(ctx, tag)
	if err != nil {
		return nil, err
	}
	refuse := func(differences ...string) error {
		return &PublishedError{p.to.Name(), tag, desc.Digest, differences}
	}
	if !artifact.IsIndex(desc.MediaType) {
		return nil, refuse("it is not an index")
	}
	index, err := artifact.ParseDocument("it", desc.MediaType, data)
	if err != nil {
		return nil, refuse(err.Error())
	}
	// If the time alone differs, all that the index names is known from its
	// digest; it need not be fetched, nor even be there still.
	if then, err := p.createdAt(index.Annotations[ocispec.AnnotationCreated]); err != nil || then.desc.Digest == desc.Digest {
		return then, err
	}
	have := &graph{document: document{desc, data}}
	for _, d := range index.Manifests {
		if d.Platform == nil || !artifact.IsManifest(d.MediaType) {
			continue // an attestation, added by somebody else
		}
		have.parts = append(have.parts, part{document: document{desc: d}, platform: platformOf(d), zstd: artifact.IsZstd(d)})
	}
	differences := compareAnnotations("", index.Annotations, p.graph.annotations)
	differences = append(differences, comparePlatforms(have.parts, p.graph.parts)...)
	if len(differences) > 0 {
		return nil, refuse(differences...)
	}
	slices.SortFunc(have.parts, part.compare)
	err = parallel.EachUntil(ctx, len(have.parts), atOnce, func(i int) error {
		return p.fetchPart(ctx, &have.parts[i])
	})
	if err != nil {
		return nil, err
	}
	for i, q := range have.parts {
		if q.data == nil {
			differences = append(differences, q.String()+": its manifest is not there")
			continue
		}
		differences = append(differences, compareManifests(q.String(), q.manifest, p.graph.parts[i].manifest)...)
	}
	if len(differences) > 0 {
		return nil, refuse(differences...)
	}
	return have, nil
}

// fetchPart reads a platform's manifest by the digest in its descriptor. One that
// is not there is no error.
func (p *publication) fetchPart(ctx context.Context, q *part) error {
	reference := q.desc.Digest.String()
	desc, data, err := p.to.Manifest(ctx, reference)
	if errors.Is(err, artifact.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	doc, err := artifact.ParseDocument(reference, desc.MediaType, data)
	if err != nil {
		return err
	}
	q.document, q.manifest = document{desc, data}, doc.Manifest
	return nil
}

// createdAt returns the release as it would be had it been made at another time,
// written as in the annotation.
func (p *publication) createdAt(created string) (*graph, error) {
	annotations := maps.Clone(p.graph.annotations)
	annotations[ocispec.AnnotationCreated] = created
	return build(p.layers, annotations)
}

// publishedElsewhere looks for the version under a tag that a reader would take
// for it though it is not the one that is written here: v1.2.3, or in the tags
// layout. A registry may still list the tag of what was deleted.
func (p *publication) publishedElsewhere(ctx context.Context) error {
	for _, c := range artifact.Candidates(p.tags) {
		if c.Version.String() != p.version.String() {
			continue
		}
		names := []string{c.Tag}
		for _, q := range c.Platforms {
			names = append(names, q.Tag)
		}
		for _, name := range names {
			if name == "" || name == p.report.Tag {
				continue
			}
			desc, err := p.to.Resolve(ctx, name)
			if errors.Is(err, artifact.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			return &PublishedError{p.to.Name(), name, desc.Digest, []string{"under another tag or in another layout"}}
		}
	}
	return nil
}

func platformOf(d ocispec.Descriptor) artifact.Platform {
	text := artifact.Platform{OS: d.Platform.OS, Arch: d.Platform.Architecture, Variant: d.Platform.Variant}.String()
	p, _ := artifact.ParsePlatform(text) // unknown ones are the zero value, and differ from every wanted one
	return p
}

func comparePlatforms(have, want []part) []string {
	var out []string
	has := func(among []part, p part) bool {
		return slices.ContainsFunc(among, p.same)
	}
	for _, p := range want {
		if !has(have, p) {
			out = append(out, "it lacks "+p.String())
		}
	}
	for _, p := range have {
		if !has(want, p) {
			out = append(out, "it also has "+p.String())
		}
	}
	if len(out) == 0 && len(have) != len(want) {
		out = append(out, "it has a platform twice")
	}
	return out
}

func compareManifests(of string, have, want ocispec.Manifest) []string {
	of += ": "
	out := compareAnnotations(of, have.Annotations, want.Annotations)
	if have.ArtifactType != want.ArtifactType {
		out = append(out, fmt.Sprintf("%sits artifact type is %q", of, have.ArtifactType))
	}
	if len(have.Layers) != len(want.Layers) {
		return append(out, fmt.Sprintf("%sit has %d layers", of, len(have.Layers)))
	}
	for i, w := range want.Layers {
		h, title := have.Layers[i], w.Annotations[ocispec.AnnotationTitle]
		if h.Digest != w.Digest || h.Size != w.Size || h.MediaType != w.MediaType {
			out = append(out, fmt.Sprintf("%s is %s there, %s here", title, h.Digest, w.Digest))
			continue
		}
		out = append(out, compareAnnotations(title+": ", h.Annotations, w.Annotations)...)
	}
	return out
}

// compareAnnotations passes over the time of creation, which says when and
// not what.
func compareAnnotations(of string, have, want map[string]string) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(have)), maps.Keys(want))
	slices.Sort(keys)
	var out []string
	for _, key := range slices.Compact(keys) {
		if h, w := have[key], want[key]; h != w && key != ocispec.AnnotationCreated {
			out = append(out, fmt.Sprintf("%sannotation %s is %q there, %q here", of, key, h, w))
		}
	}
	return out
}
