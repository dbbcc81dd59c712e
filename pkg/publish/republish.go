package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// Republish publishes, in the index layout, a release that stands elsewhere
// or here in another layout, with the same layers byte for byte. reference is
// a tag or digest of from. What r leaves empty is as the source says: version,
// annotations, constraints, time of creation (where that says none, r.Created);
// r.Files must be empty. Every checksum is checked on the way.
//
// The executables are held to less than Push holds them to, as they are
// published already: refused is what no sync takes out of its layer or what is
// made for another platform, and without force a stub.
//
// Errors: Push's, the source's, *artifact.FormatError, *artifact.SumError.
func Republish(ctx context.Context, to registry.Target, from registry.Repository, reference string, r Release, o Options) (*Report, error) {
	rel, err := read(ctx, from, r.Name, reference)
	if err != nil {
		return nil, err
	}
	r = inherit(r, rel)
	v, problems := r.lint(rel.Platforms())
	if v == nil { // nothing else is worth fetching
		return nil, &LintError{r.Name, r.Version, problems}
	}
	dir, remove, err := o.temp()
	if err != nil {
		return nil, err
	}
	defer remove()
	x := newExaminer(r.Name, o)
	others, err := artifact.ReadOthers(ctx, from, rel)
	if err != nil {
		return nil, err
	}
	for _, b := range rel.Builds {
		if b.Other != "" && !slices.ContainsFunc(others, func(o artifact.Build) bool { return o.Manifest == b.Other }) {
			return nil, &artifact.FormatError{Subject: reference, Problem: "lists " + b.Other.String() + " for " + b.Platform.String() + ", which is not there"}
		}
	}
	builds := append(slices.Clone(rel.Builds), others...)
	layers := make([]layer, len(builds))
	found := make([][]Problem, len(builds))
	err = parallel.EachUntil(ctx, len(builds), atOnce, func(i int) (err error) {
		folder := filepath.Join(dir, strconv.Itoa(i)) // titles are the source's, and may be equal
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		layers[i], found[i], err = x.fetch(ctx, from, builds[i], v.String(), folder)
		return err
	})
	if err != nil {
		return nil, err
	}
	report := &Report{Name: r.Name, DryRun: o.DryRun}
	if report.Ignored, err = passOver(r, append(problems, slices.Concat(found...)...), o.Force); err != nil {
		return nil, err
	}
	p := &publication{to: to, from: from, o: o, version: v, layers: layers, report: report}
	if err := p.publish(ctx, r.annotations(v)); err != nil {
		return nil, err
	}
	return report, nil
}

// read finds what reference names. A tag that is a version stands for all its
// platforms, in the tags layout too, where each has its own.
func read(ctx context.Context, from registry.Repository, name, reference string) (*artifact.Release, error) {
	tag, ok := artifact.ParseTag(reference)
	if !ok || !tag.Platform.IsZero() {
		return artifact.ReadReference(ctx, from, name, reference)
	}
	tags, err := registry.AllTags(ctx, from)
	if err != nil {
		return nil, err
	}
	for _, c := range artifact.Candidates(tags) {
		if c.Version.String() == tag.Version.String() {
			if slices.Contains(tags, reference) {
				c.Tag = reference // not 1.2.3 where v1.2.3 was asked for
			}
			return artifact.Read(ctx, from, name, c)
		}
	}
	return artifact.ReadReference(ctx, from, name, reference)
}

// inherit fills what r leaves empty with what the source says.
func inherit(r Release, rel *artifact.Release) Release {
	if r.Version == "" {
		r.Version = rel.Version
	}
	if !rel.Created.IsZero() {
		r.Created = rel.Created
	}
	annotations := map[string]string{}
	for key, value := range rel.Annotations {
		if !reserved(key) {
			annotations[key] = value
		}
	}
	for key, value := range r.Annotations {
		annotations[key] = value
	}
	r.Annotations = annotations
	if r.HostConstraint == "" {
		r.HostConstraint = rel.Requires[artifact.Host]
	}
	if r.Requires == nil {
		r.Requires = map[string]string{}
		for name, constraint := range rel.Requires {
			if name != artifact.Host {
				r.Requires[name] = constraint
			}
		}
	}
	return r
}

// fetch brings a build's layer and checksum into dir.
func (x *examiner) fetch(ctx context.Context, from registry.Repository, b artifact.Build, version, dir string) (layer, []Problem, error) {
	l := layer{Archive: Archive{Platform: b.Platform, Path: filepath.Join(dir, b.File), Title: b.File,
		MediaType: b.Layer.MediaType, Digest: b.Layer.Digest, Size: b.Layer.Size, Executable: b.Executable}, zstd: b.Zstd}
	l.sum = []byte(l.Archive.sum())
	if b.Sum != nil {
		if err := artifact.CheckSum(ctx, from, b); err != nil {
			return l, nil, err
		}
		rc, err := from.Blob(ctx, *b.Sum)
		if err != nil {
			return l, nil, err
		}
		l.sum, err = io.ReadAll(io.LimitReader(rc, artifact.MaxMetadata)) // CheckSum knows it to be no longer
		rc.Close()
		if err != nil {
			return l, nil, err
		}
	}
	if err := download(ctx, from, b, l.Path, x.o); err != nil {
		return l, nil, err
	}
	executable, sum, err := x.extract(ctx, l.Path, dir, unpack.Driver{Platform: b.Platform, Size: b.Layer.Size, File: b.File})
	var refused *unpack.Error
	switch {
	case errors.As(err, &refused):
		return l, []Problem{{ProblemArchive, b.File, refused.Reason}}, nil
	case err != nil:
		return l, nil, err
	}
	defer disk.Discard(executable)
	if b.Executable != "" && b.Executable != sum {
		return l, []Problem{{ProblemArchive, b.File, fmt.Sprintf("holds executable %s, its annotation says %s", sum, b.Executable)}}, nil
	}
	l.Executable = sum
	if l.sbom, err = l.contents(x.name, version, executable); err != nil {
		return l, nil, err
	}
	problems := slices.DeleteFunc(inspect(executable, b.File, b.Platform), func(p Problem) bool { return p.Kind == ProblemFormat })
	if len(problems) == 0 {
		problems, err = x.probe(ctx, executable, b.File, b.Platform)
	}
	return l, problems, err
}

func download(ctx context.Context, from registry.Repository, b artifact.Build, file string, o Options) error {
	rc, err := from.Blob(ctx, ocispec.Descriptor{MediaType: b.Layer.MediaType, Digest: b.Layer.Digest, Size: b.Layer.Size})
	if err != nil {
		return err
	}
	defer rc.Close()
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(out, registry.Watched(ctx, rc, func(done int64) {
		o.event(Event{Stage: StageFetch, Subject: b.File, Done: done, Total: b.Layer.Size})
	}))
	if err != nil {
		return err
	}
	return out.Close()
}
