package publish

import (
	"context"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Withdrawn is a manifest of a release that was withdrawn, or is no more.
type Withdrawn struct {
	Subject ocispec.Descriptor // the release's index or manifest
	By      artifact.Withdrawal
	Desc    ocispec.Descriptor // of By.Manifest
	Kept    bool               // the same was said before
}

// Withdraw withdraws the release that reference, a tag or digest, names: in the
// tags layout each platform's manifest. What says the same already is kept. Errors:
// the repository's, *artifact.FormatError.
func Withdraw(ctx context.Context, to registry.Target, name, reference string, w artifact.Withdrawal) ([]Withdrawn, error) {
	subjects, err := subjectsOf(ctx, to, name, reference)
	if err != nil {
		return nil, err
	}
	var out []Withdrawn
	for _, subject := range subjects {
		before, err := registry.Withdrawals(ctx, to, subject.Digest, w.Date)
		if err != nil {
			return out, err
		}
		if now := artifact.Withdrawn(before); now != nil && now.Reason == w.Reason && now.Replacement == w.Replacement {
			desc, _, err := to.Manifest(ctx, now.Manifest.String())
			if err != nil {
				return out, err
			}
			out = append(out, Withdrawn{subject, *now, desc, true})
			continue
		}
		desc, data, err := w.Encode(subject)
		if err != nil {
			return out, err
		}
		empty := ocispec.DescriptorEmptyJSON
		if err := registry.PushBytes(ctx, to, empty, empty.Data); err != nil {
			return out, err
		}
		if err := to.PushManifest(ctx, desc, data); err != nil {
			return out, err
		}
		w.Manifest = desc.Digest
		out = append(out, Withdrawn{subject, w, desc, false})
	}
	return out, nil
}

// Restore takes back what withdraws a release, whoever said it, and returns that.
// Errors: the repository's; *registry.NotSupportedError where it deletes nothing.
func Restore(ctx context.Context, to registry.Target, name, reference string, now artifact.Withdrawal) ([]Withdrawn, error) {
	subjects, err := subjectsOf(ctx, to, name, reference)
	if err != nil {
		return nil, err
	}
	var out []Withdrawn
	for _, subject := range subjects {
		before, err := registry.Withdrawals(ctx, to, subject.Digest, now.Date)
		if err != nil {
			return out, err
		}
		for _, w := range before {
			if w.Manifest == "" {
				continue
			}
			if err := to.RemoveReferrer(ctx, subject.Digest, w.Manifest); err != nil {
				return out, err
			}
			out = append(out, Withdrawn{Subject: subject, By: w})
		}
	}
	return out, nil
}

// subjectsOf returns what of a release is withdrawn.
func subjectsOf(ctx context.Context, to registry.Repository, name, reference string) ([]ocispec.Descriptor, error) {
	release, err := read(ctx, to, name, reference)
	if err != nil {
		return nil, err
	}
	var out []ocispec.Descriptor
	for _, d := range release.Roots() {
		desc, _, err := to.Manifest(ctx, d.String())
		if err != nil {
			return nil, err
		}
		out = append(out, desc)
	}
	return out, nil
}
