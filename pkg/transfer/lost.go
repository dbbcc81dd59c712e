package transfer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// lostError says that a source has a manifest and lacks one of its blobs, so that no
// copy of it can be whole.
type lostError struct {
	Repository string
	Digest     digest.Digest
	Err        error
}

func (e *lostError) Error() string    { return e.Err.Error() }
func (e *lostError) Kind() fault.Kind { return fault.Failure }
func (e *lostError) Unwrap() error    { return e.Err }

// isGone reports whether an error says that something is nowhere to be had.
func isGone(err error) bool {
	return errors.Is(err, artifact.ErrNotFound) || errors.As(err, new(*registry.LackedError))
}

// without returns the graph without what only refers to something and lacks a blob,
// and without what refers to that, each a problem. It is nil if a release
// itself has the blob.
func (g *Graph) without(e *lostError) *Graph {
	out := *g
	out.Manifests, out.Problems = nil, slices.Clone(g.Problems)
	lost := map[digest.Digest]bool{e.Digest: true}
	needed := map[digest.Digest]bool{}
	for _, m := range g.Manifests { // what a manifest lists or refers to stands before it
		if !lost[m.Subject] && !slices.ContainsFunc(m.needs, func(d digest.Digest) bool { return lost[d] }) {
			out.Manifests = append(out.Manifests, m)
			for _, d := range m.needs {
				needed[d] = true
			}
			continue
		}
		if !m.related {
			return nil
		}
		lost[m.Desc.Digest] = true
		out.Problems = append(out.Problems, Problem{g.Repository, m.Desc.Digest.String(), fmt.Errorf("is left out: %w", e.Err)})
	}
	out.Blobs = slices.DeleteFunc(slices.Clone(g.Blobs), func(b ocispec.Descriptor) bool { return !needed[b.Digest] })
	return &out
}

// Build makes a bundle of locks, the first of which is its own, and of their graphs,
// and has it written. If it turns out that a
// signature's blob is gone, that is put among the graph's Problems, and the
// bundle is made without. Errors: write's.
func Build(locks []*lockfile.Lock, graphs []*Graph, tools []ocilayout.Tool, write func(*ocilayout.Bundle) error) (*ocilayout.Bundle, error) {
	for {
		b := NewBundle(locks[0], graphs, tools, locks[1:]...)
		err := write(b)
		var lost *lostError
		if !errors.As(err, &lost) {
			return b, err
		}
		at := slices.IndexFunc(graphs, func(g *Graph) bool { return g.Repository == lost.Repository })
		less := graphs[at].without(lost)
		if less == nil {
			return nil, graphs[at].about(lost)
		}
		graphs[at] = less
	}
}

// about names the plugin if an error says that a layout lacks something.
func (g *Graph) about(err error) error { return about(g.plugin, err) }

func about(plugin string, err error) error {
	if lacked := new(ocilayout.MissingError); errors.As(err, &lacked) {
		return &MissingError{Source: lacked.Layout, Plugin: plugin, Digest: lacked.Digest, Vendored: true}
	}
	return err
}
