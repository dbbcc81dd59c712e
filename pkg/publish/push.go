package publish

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Report is what Push and Republish did, or would do with Options.DryRun.
type Report struct {
	Name       string
	Version    string
	Repository string        // HOST/PATH; "" for a dry run without a target
	Tag        string        // that names the version
	Digest     digest.Digest // of the index
	Kept       bool          // the version was published with this content before
	DryRun     bool          // nothing was sent
	Unread     bool          // dry run only: the target may not be read without credentials, so nothing was compared
	Platforms  []Published   // sorted by platform
	Tags       []TagMove     // set, or in a dry run to be set
	Left       []string      // tags of the version for platforms that it does not have: an earlier publication's
	Ignored    []Problem     // what Options.Force passed over

	Sent    int64 // bytes of blobs and manifests
	Blobs   int   // blobs sent
	Mounted int   // blobs taken over from another repository
	Skipped int   // blobs that were there
}

// Published is one platform of a Report.
type Published struct {
	Platform   artifact.Platform
	Tag        string
	Manifest   digest.Digest
	Layer      ocispec.Descriptor // with its title
	Executable digest.Digest
}

// Push publishes a release in the index layout: blobs first, then the
// manifests, then the tags, the version's own before all others, so that no
// reader ever sees half of a release.
//
// A version that is published with the same layers and annotations, but for
// the time of creation, is kept; only what is missing of it is sent, and tags
// that are missing or behind are set. Who publishes the same version, or others
// of the driver, at the same time does no harm.
// With Options.DryRun the target is read and not written, and may be nil;
// then nothing is compared.
//
// Errors: *LintError with every problem of r, *PublishedError, *SignError, the
// target's, the disk's.
func Push(ctx context.Context, t Target, r Release, o Options) (*Report, error) {
	dir, err := os.MkdirTemp(o.Temp, "schemahero-push-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	v, files, ignored, err := check(ctx, r, o, dir)
	if err != nil {
		return nil, err
	}
	report := &Report{Name: r.Name, DryRun: o.DryRun, Ignored: ignored}
	layers, err := packAll(ctx, r, files, o, dir)
	if err != nil {
		return nil, err
	}
	if err := publish(ctx, t, v, layers, r.annotations(v), nil, o, report); err != nil {
		return nil, err
	}
	return report, nil
}

// Lint says what Push would say of a release before anything is sent.
func Lint(ctx context.Context, r Release, o Options) error {
	dir, err := os.MkdirTemp(o.Temp, "schemahero-push-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	_, _, _, err = check(ctx, r, o, dir)
	return err
}

// check finds the executables of a release, in dir where they come in archives,
// and holds all of it against the rules.
func check(ctx context.Context, r Release, o Options, dir string) (*semver.Version, map[artifact.Platform]string, []Problem, error) {
	platforms := slices.SortedFunc(maps.Keys(r.Files), artifact.Platform.Compare)
	v, problems := r.lint(platforms)
	files, found, err := examine(ctx, r, platforms, o, dir)
	if err != nil {
		return nil, nil, nil, err
	}
	ignored, err := settle(r, append(problems, found...), o.Force)
	return v, files, ignored, err
}

// settle returns the problems that force passes over, or all of them as an
// error.
func settle(r Release, problems []Problem, force bool) ([]Problem, error) {
	if len(problems) == 0 {
		return nil, nil
	}
	err := &LintError{r.Name, r.Version, problems}
	if force && err.Forcible() {
		return problems, nil
	}
	return nil, err
}

// publish sends layers as a release and completes the report. from is where
// blobs may be taken over from, instead of being sent.
func publish(ctx context.Context, t Target, v *semver.Version, layers []layer, annotations map[string]string, from Source, o Options, report *Report) error {
	want, err := build(layers, annotations)
	if err != nil {
		return err
	}
	report.Version, report.Tag = v.String(), artifact.VersionTag(v)
	var over overtaken
	for range 3 {
		if err = attempt(ctx, t, v, layers, want, from, o, report); !errors.As(err, &over) {
			return err
		}
		o.Force = false // it was for what was there, not for what came since
	}
	return err
}

// attempt is publish, unless somebody else publishes the version meanwhile: then
// it ends with overtaken.
func attempt(ctx context.Context, t Target, v *semver.Version, layers []layer, g *graph, from Source, o Options, report *Report) (err error) {
	s := &sender{t: t, o: o, report: report}
	report.Kept, report.Tags = false, nil
	var tags []string
	if t != nil {
		report.Repository = t.Name()
		tags, err = allTags(ctx, t)
		if o.DryRun && errors.Is(err, artifact.ErrDenied) {
			// A check of a proposed change has no credentials, and many registries
			// say the same of a repository that does not exist yet.
			report.Unread, t, s.t, err = true, nil, nil, nil
		}
		if err != nil {
			return err
		}
	}
	if t != nil {
		kept, err := existing(ctx, t, tags, v, g, layers)
		var published *PublishedError
		if err != nil && !(o.Force && errors.As(err, &published)) {
			return err
		}
		if published != nil {
			s.replaces = published.Digest
		}
		if kept != nil {
			g, report.Kept = kept, true
		}
	}
	report.describe(g, v)
	if !o.DryRun {
		// Of a release that is kept too: a registry can lose what a manifest names.
		if err := s.blobs(ctx, layers, from); err != nil {
			return err
		}
	}
	if !o.DryRun && (!report.Kept || o.Force) {
		if err := s.manifests(ctx, g); err != nil {
			return err
		}
	}
	if err := s.sign(ctx, g); err != nil {
		return err
	}
	return s.tags(ctx, g, v, tags)
}

// allTags reads the tag list, once. A repository that does not exist has no
// tags.
func allTags(ctx context.Context, t Target) ([]string, error) {
	var tags []string
	err := t.Tags(ctx, func(page []string) error {
		tags = append(tags, page...)
		return nil
	})
	if errors.Is(err, artifact.ErrNotFound) {
		return nil, nil
	}
	return tags, err
}

func (r *Report) describe(g *graph, v *semver.Version) {
	r.Digest, r.Platforms = g.desc.Digest, nil
	for _, p := range g.parts {
		l := p.manifest.Layers[0]
		r.Platforms = append(r.Platforms, Published{
			Platform: p.platform, Tag: platformTag(v, p.platform), Manifest: p.desc.Digest,
			Layer: l, Executable: digest.Digest(l.Annotations[artifact.AnnotationExecutable]),
		})
	}
}
