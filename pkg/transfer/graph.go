package transfer

import (
	"cmp"
	"maps"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Graph is what is carried of one repository.
type Graph struct {
	Repository string
	Manifests  []Manifest           // what an index lists before it; what refers to something after it
	Blobs      []ocispec.Descriptor // each once, by digest
	Problems   []Problem            // what the source names and lacks

	plugin string // one that is from there
}

// Manifest is an index or manifest of a graph.
type Manifest struct {
	Desc    ocispec.Descriptor // media type, digest, size
	Data    []byte
	Tags    []string      // that it is to have
	Subject digest.Digest // what it refers to, "" for nothing
	Sparse  bool          // some of what it lists is left out

	needs   []digest.Digest // what it lists and is carried
	related bool            // carried only since it refers to something
}

// Size is the number of bytes of all that is in the graph.
func (g *Graph) Size() (n int64) {
	for _, m := range g.Manifests {
		n += m.Desc.Size
	}
	for _, b := range g.Blobs {
		n += b.Size
	}
	return n
}

// node is a manifest while its graph is gathered.
type node struct {
	Manifest
	children   []digest.Digest
	platforms  []artifact.Platform // of the children that have one
	unwanted   bool                // a manifest all of whose platforms are left out
	blobs      []ocispec.Descriptor
	referrers  []digest.Digest
	candidates []digest.Digest          // listed as referring to it
	legacy     map[string]digest.Digest // what the older signature tags name, by tag
	asked      bool                     // missing is known
	missing    error
}

// order brings nodes into the order in which a registry takes them: it refuses
// an index before what that lists.
func order(nodes map[digest.Digest]*node, from []digest.Digest) (manifests []Manifest, blobs []ocispec.Descriptor) {
	seen := map[digest.Digest]bool{}
	unique := map[digest.Digest]ocispec.Descriptor{}
	var visit func(d digest.Digest)
	visit = func(d digest.Digest) {
		n := nodes[d]
		if n == nil || seen[d] {
			return
		}
		seen[d] = true
		for _, c := range n.children {
			visit(c)
		}
		n.needs = slices.Clone(n.children)
		for _, b := range n.blobs {
			n.needs = append(n.needs, b.Digest)
			if old, ok := unique[b.Digest]; !ok || old.Annotations[ocispec.AnnotationTitle] == "" {
				unique[b.Digest] = b
			}
		}
		slices.Sort(n.Tags)
		n.Tags = slices.Compact(n.Tags)
		manifests = append(manifests, n.Manifest)
		for _, r := range n.referrers {
			visit(r)
		}
		for _, tag := range slices.Sorted(maps.Keys(n.legacy)) {
			visit(n.legacy[tag])
		}
	}
	for _, d := range from {
		visit(d)
	}
	locked := closure(nodes, from)
	for i := range manifests {
		manifests[i].related = !locked[manifests[i].Desc.Digest]
	}
	blobs = slices.SortedFunc(maps.Values(unique), func(a, b ocispec.Descriptor) int { return cmp.Compare(a.Digest, b.Digest) })
	return manifests, blobs
}

// closure is what roots lead to by what they list.
func closure(nodes map[digest.Digest]*node, from []digest.Digest) map[digest.Digest]bool {
	out := map[digest.Digest]bool{}
	for left := slices.Clone(from); len(left) > 0; {
		d := left[len(left)-1]
		left = left[:len(left)-1]
		if n := nodes[d]; n != nil && !out[d] {
			out[d] = true
			left = append(left, n.children...)
		}
	}
	return out
}
