package image

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// TakenError is a tag that no image may have: whoever looks for a release there would
// find the image.
type TakenError struct {
	Repository string
	Tag        string
	Problem    string
}

func (e *TakenError) Error() string { return e.Repository + ":" + e.Tag + ": " + e.Problem }

// Kind is fault.Failure.
func (e *TakenError) Kind() fault.Kind { return fault.Failure }

// checkPlace returns a *TakenError for a tag where a locked driver is published.
func (s *sending) checkPlace(l *lockfile.Lock) error {
	for _, p := range l.Plugins {
		if s.o.Tag != "" && p.Repository == s.to.Name() {
			return &TakenError{p.Repository, s.o.Tag, "the repository holds releases of " + p.Name}
		}
	}
	return nil
}

// checkTag reports whether the tag has to be set. It returns a *TakenError unless
// the tag names an image, or nothing yet and can be no version of a driver.
func (s *sending) checkTag(ctx context.Context) (moves bool, err error) {
	tag := s.o.Tag
	if tag == "" {
		return false, nil
	}
	desc, err := s.to.Resolve(ctx, tag)
	if errors.Is(err, artifact.ErrNotFound) {
		return true, s.checkNew(ctx, tag)
	}
	if err != nil || desc.Digest == s.report.Index.Digest {
		return false, err
	}
	if image, err := s.isImage(ctx, tag); err != nil || image {
		return image, err
	}
	return false, &TakenError{s.to.Name(), tag, "names something that is not a container image"}
}

// checkNew returns a *TakenError for a version where others are a driver's.
func (s *sending) checkNew(ctx context.Context, tag string) error {
	if !versionLike(tag) {
		return nil
	}
	tags, err := registry.AllTags(ctx, s.to)
	if err != nil && !errors.Is(err, artifact.ErrNotFound) {
		return err
	}
	versions := artifact.Candidates(tags)
	if len(versions) == 0 {
		return nil
	}
	of := versions[0].Tag // the highest tells of the others
	if of == "" {
		of = versions[0].Platforms[0].Tag
	}
	if image, err := s.isImage(ctx, of); err != nil || image {
		return err
	}
	return &TakenError{s.to.Name(), tag, "would be taken for a release, as " + of + " is one"}
}

// isImage reports whether a tag names a container image, or nothing that is there.
func (s *sending) isImage(ctx context.Context, tag string) (bool, error) {
	_, err := ReadBase(ctx, s.to, s.to.Name()+":"+tag, tag, nil)
	switch {
	case errors.As(err, new(*BaseError)), errors.As(err, new(*artifact.DocumentError)):
		return false, nil
	case errors.Is(err, artifact.ErrNotFound):
		return true, nil
	}
	return err == nil, err
}

// versionLike reports whether a tag is, or floats above, a version.
func versionLike(tag string) bool {
	digit := cmp.Or(strings.TrimPrefix(tag, "v"), tag)[0]
	return tag == "latest" || '0' <= digit && digit <= '9'
}
