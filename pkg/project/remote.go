package project

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// ChainError says that a lock entry is not a chain: what its digest names does not
// lead to the layer that it would install.
type ChainError struct {
	Name     string
	Platform artifact.Platform
	From     digest.Digest // the index or manifest that was read
	Problem  string
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("%s: the lock's entry for %s does not follow from %s: %s", e.Name, e.Platform, e.From, e.Problem)
}

func (e *ChainError) Kind() fault.Kind { return fault.Integrity }

// VerifyRemote checks the lock against the registries: whether tags still name
// what is locked, which releases were withdrawn, and whether digest, manifest and layer are one
// chain (*ChainError). An entry of which a registry tells nothing does not hide
// what is found of the others. Errors besides, joined: *StaleError without a
// lock, the Registry's.
func (p *Project) VerifyRemote(ctx context.Context) ([]resolve.Moved, []Withdrawn, error) {
	in, err := p.load(nil, true)
	if err != nil {
		return nil, nil, err
	}
	lock := in.lock
	if lock == nil {
		return nil, nil, &StaleError{File: p.lock, Missing: true}
	}
	v := signerCheck{in: in, frozen: true, ignoreCache: true}
	moved := make([][]resolve.Moved, len(lock.Plugins))
	err = parallel.Each(ctx, len(lock.Plugins), maxRequests, func(i int) (err error) {
		entry := lock.Plugins[i].Clone()
		moved[i], err = resolve.Check(ctx, p.under(in.manifest), lock.Plugins[i:i+1])
		if err != nil {
			return err
		}
		if slices.ContainsFunc(moved[i], func(m resolve.Moved) bool { return m.Kind == resolve.ContentGone }) {
			return nil
		}
		if err := p.checkChain(ctx, entry, nil, false); err != nil {
			return err
		}
		return p.checkSigner(ctx, &entry, v)
	})
	withdrawn, asking := p.withdrawn(ctx, in)
	if err == nil { // what the registry refuses is told once
		err = asking
	}
	return slices.Concat(moved...), withdrawn, err
}

// checkChain reads what an entry pins for some platforms, nil for all, by digest
// and compares. If it is signed, what it states of itself counts too.
func (p *Project) checkChain(ctx context.Context, entry lockfile.Plugin, platforms []artifact.Platform, signed bool) error {
	repo, err := p.o.repository(entry.Repository)
	if err != nil {
		return err
	}
	var some []lockfile.Platform
	for _, locked := range entry.Platforms {
		if platforms == nil || slices.Contains(platforms, locked.Platform) {
			some = append(some, locked)
		}
	}
	if len(some) == 0 {
		return nil
	}
	want := make([]artifact.Platform, len(some))
	for i, locked := range some {
		want[i] = locked.Platform
	}
	rel, err := resolve.ReadPinned(ctx, repo, &entry, want)
	if format, ok := errors.AsType[*artifact.FormatError](err); ok {
		return &ChainError{entry.Name, some[0].Platform, cmp.Or(entry.Digest, some[0].Manifest), format.Error()}
	}
	if err != nil {
		return err
	}
	if err := rel.CheckStated(entry.Version); err != nil && signed {
		return &RefusedError{entry.Name, err}
	}
	for _, locked := range some {
		root := entry.Digest
		if rel.Layout == artifact.LayoutTags && locked.Tag != "" {
			root = locked.Manifest
		}
		if problem := compareBuild(rel, locked); problem != "" {
			return &ChainError{entry.Name, locked.Platform, root, problem}
		}
	}
	return nil
}

func compareBuild(rel *artifact.Release, locked lockfile.Platform) string {
	b, ok := rel.Build(locked.Platform)
	switch {
	case !ok:
		return "it offers no such platform"
	case b.Tag != locked.Tag:
		return fmt.Sprintf("its tag is %s, locked is %s", cmp.Or(b.Tag, "none"), cmp.Or(locked.Tag, "none"))
	case b.Manifest != locked.Manifest:
		return fmt.Sprintf("its manifest is %s, locked is %s", b.Manifest, locked.Manifest)
	case b.Layer.Digest != locked.Layer:
		return fmt.Sprintf("its layer is %s, locked is %s", b.Layer.Digest, locked.Layer)
	case b.Layer.Size != locked.Size:
		return fmt.Sprintf("its layer has %d bytes, locked are %d", b.Layer.Size, locked.Size)
	case b.Executable != "" && locked.Executable != "" && b.Executable != locked.Executable:
		return fmt.Sprintf("its executable is %s, locked is %s", b.Executable, locked.Executable)
	}
	return ""
}
