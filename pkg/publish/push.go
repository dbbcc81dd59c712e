package publish

import (
	"context"
	"maps"
	"slices"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Report is what Push and Republish did, or would do with Options.DryRun.
type Report struct {
	Name       string
	Version    string
	Repository string           // HOST/PATH; "" for a dry run without a target
	Tag        string           // that names the version
	Digest     digest.Digest    // of the index
	Kept       bool             // the version was published with this content before
	DryRun     bool             // nothing was sent
	Unread     bool             // dry run only: the target may not be read without credentials, so nothing was compared
	Platforms  []Published      // in the index's order
	Tags       []TagMove        // set, or in a dry run to be set
	Refused    []*RefusedError  // floating tags that the registry would not set
	Left       []string         // tags of the version for platforms that it does not have: an earlier publication's
	Ignored    []Problem        // what Options.Force passed over
	Strays     []artifact.Stray // dry run only: floating tags that are wrong and that this would not set
	Opaque     []string         // archives whose executable holds no Go build information, so that there is no SBOM

	registry.Traffic
}

// Published is one platform of a Report.
type Published struct {
	Platform   artifact.Platform
	Tag        string // "" for what is packed with zstd beside gzip
	Manifest   digest.Digest
	Layer      ocispec.Descriptor // with its title
	Executable digest.Digest
	SBOM       digest.Digest // of the manifest that refers to this one; "" where there is none
}

// Push publishes a release in the index layout: blobs first, then the
// manifests, then the tags, the version's own before all others, so that no
// reader ever sees half of a release.
//
// A version that is published with the same layers and annotations, but for
// the time of creation, is kept; only what is missing of it is sent, and tags
// that are missing or behind are set. A floating tag that the registry refuses
// is not a failure (Report.Refused). to must answer for itself: a mirror that lags
// would let a published version be replaced. With Options.DryRun it is read and
// not written, and may be nil; then nothing is compared.
//
// Errors: *LintError with every problem of r, *PublishedError, *SignError,
// *RefusedError, the repository's, the disk's.
func Push(ctx context.Context, to registry.Target, r Release, o Options) (*Report, error) {
	dir, remove, err := o.temp()
	if err != nil {
		return nil, err
	}
	defer remove()
	v, files, ignored, err := check(ctx, r, o, dir)
	if err != nil {
		return nil, err
	}
	layers, err := packAll(ctx, r, files, o, dir)
	if err != nil {
		return nil, err
	}
	report := &Report{Name: r.Name, DryRun: o.DryRun, Ignored: ignored}
	p := &publication{to: to, o: o, version: v, layers: layers, report: report}
	if err := p.describeContents(r.Name, func(i int) string { return files[layers[i].Platform] }); err != nil {
		return nil, err
	}
	if err := p.publish(ctx, r.annotations(v)); err != nil {
		return nil, err
	}
	return report, nil
}

// Lint says what Push would say of a release before anything is sent.
func Lint(ctx context.Context, r Release, o Options) error {
	dir, remove, err := o.temp()
	if err != nil {
		return err
	}
	defer remove()
	_, _, _, err = check(ctx, r, o, dir)
	return err
}

// check finds the executables of a release, in dir where they come in archives,
// and holds all of it against the rules.
func check(ctx context.Context, r Release, o Options, dir string) (*semver.Version, map[artifact.Platform]string, []Problem, error) {
	platforms := slices.SortedFunc(maps.Keys(r.Files), artifact.Platform.Compare)
	v, problems := r.lint(platforms)
	files, found, err := newExaminer(r.Name, o).release(ctx, r, platforms, dir)
	if err != nil {
		return nil, nil, nil, err
	}
	ignored, err := passOver(r, append(problems, found...), o.Force)
	return v, files, ignored, err
}

// passOver returns the problems that force passes over, or all of them as an
// error.
func passOver(r Release, problems []Problem, force bool) ([]Problem, error) {
	if len(problems) == 0 {
		return nil, nil
	}
	err := &LintError{r.Name, r.Version, problems}
	if force && err.Forcible() {
		return problems, nil
	}
	return nil, err
}

func (r *Report) describe(g *graph, v *semver.Version) {
	r.Digest, r.Platforms = g.desc.Digest, nil
	tagged := g.tagged()
	for _, p := range g.parts {
		l, tag := p.manifest.Layers[0], ""
		if slices.ContainsFunc(tagged, p.same) {
			tag = platformTag(v, p.platform)
		}
		r.Platforms = append(r.Platforms, Published{
			Platform: p.platform, Tag: tag, Manifest: p.desc.Digest,
			Layer: l, Executable: digest.Digest(l.Annotations[artifact.AnnotationExecutable]),
		})
	}
}
