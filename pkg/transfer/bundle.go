package transfer

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// NewBundle gathers graphs, which Plan made of the same locks, into a layout. What
// others name stands beside what the bundle's own lock does.
func NewBundle(l *lockfile.Lock, graphs []*Graph, tools []ocilayout.Tool, others ...*lockfile.Lock) *ocilayout.Bundle {
	b := &ocilayout.Bundle{Lock: l.Encode(), Tools: slices.Clone(tools)}
	for _, other := range others {
		b.Others = append(b.Others, other.Encode())
	}
	slices.SortFunc(b.Tools, func(s, t ocilayout.Tool) int { return cmp.Compare(s.File(), t.File()) })
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: entries(All(append([]*lockfile.Lock{l}, others...)), graphs)}
	index.SchemaVersion = 2
	index.Annotations = map[string]string{ocilayout.AnnotationLock: digest.FromBytes(b.Lock).String()}
	for i, other := range b.Others {
		index.Annotations[ocilayout.AnnotationOther(i)] = digest.FromBytes(other).String()
	}
	for _, t := range b.Tools {
		index.Annotations[ocilayout.AnnotationTool+t.Platform.Suffix()] = t.Digest.String()
	}
	b.Index, _ = artifact.EncodeDocument(index, "  ") // of strings and numbers: it cannot fail
	blobs := map[digest.Digest]ocilayout.Blob{}
	for _, g := range graphs {
		for _, m := range g.Manifests {
			blobs[m.Desc.Digest] = ocilayout.Blob{Desc: m.Desc, Repository: g.Repository, Data: m.Data}
		}
	}
	for _, g := range graphs {
		locked := map[digest.Digest]bool{}
		for _, m := range g.Manifests {
			for _, d := range m.needs {
				locked[d] = locked[d] || !m.related
			}
		}
		for _, d := range g.Blobs {
			old, ok := blobs[d.Digest]
			if !ok || old.Related && locked[d.Digest] {
				blobs[d.Digest] = ocilayout.Blob{Desc: d, Repository: g.Repository, Related: !locked[d.Digest]}
			}
		}
	}
	b.Blobs = slices.SortedFunc(maps.Values(blobs), func(a, b ocilayout.Blob) int { return cmp.Compare(a.Desc.Digest, b.Desc.Digest) })
	return b
}

// Fetch is how the blobs of a bundle are read from their repositories. Its error for
// one that is gone tells Build to make the bundle without it.
func Fetch(open Open, events func(Event)) ocilayout.Fetch {
	return func(ctx context.Context, b ocilayout.Blob) (io.ReadCloser, error) {
		repo, err := open(b.Repository)
		if err != nil {
			return nil, err
		}
		rc, err := repo.Blob(ctx, b.Desc)
		if isGone(err) {
			return nil, &lostError{b.Repository, b.Desc.Digest, err}
		}
		if err != nil {
			return nil, err
		}
		return registry.Watched(ctx, rc, progress(b.Desc, events)), nil
	}
}

// entries are what index.json lists: first what the lock pins, in its order, then
// what refers to that, by repository.
func entries(l *lockfile.Lock, graphs []*Graph) []ocispec.Descriptor {
	descs := map[string]ocispec.Descriptor{}
	for _, g := range graphs {
		for _, m := range g.Manifests {
			descs[g.Repository+"@"+m.Desc.Digest.String()] = m.Desc
		}
	}
	var out []ocispec.Descriptor
	for _, p := range l.Plugins {
		for _, r := range roots(p) {
			out = append(out, entry(descs[p.Repository+"@"+r.digest.String()], p.Repository, r.name, r.tag))
		}
	}
	for _, g := range graphs {
		for _, m := range g.Manifests {
			legacy := ""
			for _, tag := range m.Tags {
				if strings.HasPrefix(tag, "sha256-") {
					legacy = tag
					out = append(out, entry(m.Desc, g.Repository, tag, tag))
				}
			}
			if m.Subject != "" && legacy == "" {
				out = append(out, entry(m.Desc, g.Repository, "", ""))
			}
		}
	}
	return out
}

func entry(d ocispec.Descriptor, repository, name, tag string) ocispec.Descriptor {
	d.Annotations = map[string]string{ocilayout.AnnotationRepository: repository}
	if name != "" {
		d.Annotations[ocispec.AnnotationRefName] = name
	}
	last := repository[strings.LastIndexByte(repository, '/')+1:]
	driver, isNamed := strings.CutSuffix(name, "-"+tag)
	if tag != "" && tag != name && (!isNamed || last != driver && !strings.HasSuffix(last, "-"+driver)) {
		d.Annotations[ocilayout.AnnotationTag] = tag
	}
	return d
}
