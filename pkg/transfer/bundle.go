package transfer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// AnnotationTool is, with OS-ARCH behind it, the index's annotation for the digest
// of this program for a platform, at the root too. With it and
// registry.AnnotationLock no byte of a bundle can change unseen.
const AnnotationTool = "io.schemahero.plugin.tool."

// toolName begins the name of this program's files at a bundle's root.
const toolName = "kubectl-schemahero-plugin-"

// Tool is this program for one platform.
type Tool struct {
	Platform artifact.Platform
	Digest   digest.Digest
	Size     int64
	Open     func() (io.ReadCloser, error)
}

// File is the tool's name at the root of a layout.
func (t Tool) File() string {
	name := toolName + t.Platform.Suffix()
	if t.Platform.OS == "windows" {
		name += ".exe"
	}
	return name
}

// Bundle is an OCI image layout of what a lock names, with the lock at its root.
// One lock, with the same signatures about, gives the same bytes anywhere.
type Bundle struct {
	Lock  []byte
	Index []byte // index.json
	Blobs []Blob // each once, by digest
	Tools []Tool // by file name
}

// Blob is one file of a layout's blobs.
type Blob struct {
	Desc       ocispec.Descriptor
	Repository string // one that holds it
	Data       []byte // of a manifest; nil for what is read from Repository

	related bool // only what refers to a release has it
}

// NewBundle gathers graphs, which Plan made of the same lock, into a layout.
func NewBundle(l *lockfile.Lock, graphs []*Graph, tools []Tool) *Bundle {
	b := &Bundle{Lock: l.Encode(), Tools: slices.Clone(tools)}
	slices.SortFunc(b.Tools, func(s, t Tool) int { return cmp.Compare(s.File(), t.File()) })
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: entries(l, graphs)}
	index.SchemaVersion = 2
	index.Annotations = map[string]string{registry.AnnotationLock: digest.FromBytes(b.Lock).String()}
	for _, t := range b.Tools {
		index.Annotations[AnnotationTool+t.Platform.Suffix()] = t.Digest.String()
	}
	b.Index = encode(index)
	blobs := map[digest.Digest]Blob{}
	for _, g := range graphs {
		for _, m := range g.Manifests {
			blobs[m.Desc.Digest] = Blob{Desc: m.Desc, Repository: g.Repository, Data: m.Data}
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
			if !ok || old.related && locked[d.Digest] {
				blobs[d.Digest] = Blob{Desc: d, Repository: g.Repository, related: !locked[d.Digest]}
			}
		}
	}
	b.Blobs = slices.SortedFunc(maps.Values(blobs), func(a, b Blob) int { return cmp.Compare(a.Desc.Digest, b.Desc.Digest) })
	return b
}

// encode writes JSON for people and diffs, since a layout can be committed.
// Annotations can hold whatever a registry says, <> and & among it; they are
// nobody's HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(v) != nil {
		return nil // cannot be: strings and numbers only
	}
	return b.Bytes()
}

// Size is the number of bytes of all files.
func (b *Bundle) Size() (n int64) {
	for _, blob := range b.Blobs {
		n += blob.Desc.Size
	}
	for _, t := range b.Tools {
		n += t.Size
	}
	return n + int64(len(b.Lock)+len(b.Index))
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
	d.Annotations = map[string]string{registry.AnnotationRepository: repository}
	if name != "" {
		d.Annotations[ocispec.AnnotationRefName] = name
	}
	last := repository[strings.LastIndexByte(repository, '/')+1:]
	driver, isNamed := strings.CutSuffix(name, "-"+tag)
	if tag != "" && tag != name && (!isNamed || last != driver && !strings.HasSuffix(last, "-"+driver)) {
		d.Annotations[registry.AnnotationTag] = tag
	}
	return d
}
