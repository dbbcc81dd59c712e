package carry

import (
	"context"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/sbom"
)

// lockedModules finds what is in each locked executable: in the store's, or else in
// an SBOM that refers to the manifest. What is not known is left out, with a
// warning where somebody was asked.
func lockedModules(ctx context.Context, e *env.Env, u *ui.UI, l *lockfile.Lock) (map[digest.Digest][]sbom.Component, error) {
	o, err := e.Options()
	if err != nil {
		return nil, err
	}
	m, err := e.OwnManifest()
	if err != nil {
		return nil, err
	}
	var all []*contents
	for _, p := range l.Plugins {
		for _, q := range p.Platforms {
			all = append(all, &contents{options: o, manifest: m, plugin: p, platform: q})
		}
	}
	_ = parallel.Each(ctx, len(all), 8, func(i int) error { all[i].find(ctx, e); return nil })
	out := map[digest.Digest][]sbom.Component{}
	for _, c := range all {
		out[c.platform.Layer] = c.modules
		for _, err := range c.warnings {
			u.Warn("%s %s, %s: %v", c.plugin.Name, ui.Locked(&c.plugin), c.platform.Platform, err)
		}
	}
	return out, nil
}

// contents is what is in one locked executable.
type contents struct {
	options  project.Options
	manifest *manifest.Manifest // whose trust rules hold; nil if there is none
	plugin   lockfile.Plugin
	platform lockfile.Platform
	modules  []sbom.Component
	warnings []error
}

func (c *contents) find(ctx context.Context, e *env.Env) {
	if c.modules = storedModules(ctx, e, c.platform); c.modules != nil || e.Flags.Offline {
		return
	}
	if err := c.attached(ctx, e); err != nil {
		c.warnings = append(c.warnings, fmt.Errorf("what is in it is not known: %w", err))
	}
}

// storedModules reads the executable in the store; nil where there is none, or where
// it does not say, or is not any more what was stored.
func storedModules(ctx context.Context, e *env.Env, q lockfile.Platform) []sbom.Component {
	entry, ok := e.Home().Stored(q.Layer)
	if !ok {
		return nil
	}
	if sum, err := install.Hash(ctx, entry.Path); err != nil || sum != entry.Executable {
		return nil
	}
	info, err := probe.Inspect(entry.Path)
	if err != nil || info.Go == nil {
		return nil
	}
	return sbom.Modules(info.Go.Build)
}

// attached takes the first SBOM that refers to the manifest, can be read and is signed
// as the trust rules ask of the release, and warns of the others.
func (c *contents) attached(ctx context.Context, e *env.Env) error {
	repo, err := e.Repository(c.plugin.Repository)
	if err != nil {
		return err
	}
	found, _, err := registry.Refer(ctx, repo, repo.Referrers, c.platform.Manifest, sbom.MediaType, artifact.MaxManifest)
	if err != nil {
		return err
	}
	for _, r := range found {
		modules, err := readSBOM(ctx, repo, r, c.platform.Manifest)
		if err == nil && modules != nil {
			var refused error
			if refused, err = c.options.Unsigned(ctx, c.manifest, c.plugin.Name, repo, r.Desc.Digest); err == nil {
				err = refused
			}
		}
		if err == nil && c.modules == nil {
			c.modules = modules
		}
		if err != nil && r.Typed {
			c.warnings = append(c.warnings, fmt.Errorf("the SBOM %s is passed over: %w", r.Desc.Digest, err))
		}
	}
	return nil
}

// readSBOM reads a document that refers to a manifest; nil for what is none.
func readSBOM(ctx context.Context, repo registry.Repository, r registry.Referring, subject digest.Digest) ([]sbom.Component, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	doc, err := artifact.ParseDocument("its manifest", r.Desc.MediaType, r.Data)
	if err != nil || doc.Type() != sbom.MediaType {
		return nil, err
	}
	if doc.Subject == nil || doc.Subject.Digest != subject {
		return nil, fmt.Errorf("its manifest has another subject")
	}
	if len(doc.Layers) != 1 || doc.Layers[0].Size > sbom.MaxDocument {
		return nil, fmt.Errorf("is not one document of at most %d bytes", sbom.MaxDocument)
	}
	rc, err := repo.Blob(ctx, artifact.AsBlob(doc.Layers[0].Digest, doc.Layers[0].Size))
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, sbom.MaxDocument+1))
	if err != nil {
		return nil, err
	}
	return sbom.Read(data)
}
