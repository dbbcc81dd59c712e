package cluster

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

func imageCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Holds(env.Command{
		Use:   "image",
		Short: "The locked drivers as a container image",
		Long: `A cluster runs the drivers from an image: mounted as a volume into the pods of
SchemaHero's operator, or on the operator's own image.`,
		Examples: []env.Example{
			{"image push registry.internal/apps/drivers:prod", "publish the image of the lock"},
			{"image push registry.internal/apps/drivers --dry-run", "tell its digest"},
			{"inspect registry.internal/apps/drivers:prod", "see the drivers in it"},
		},
	}, imagePushCommand(e, u))
}

// imageFlags are what image push is told besides REF.
type imageFlags struct {
	base      string
	platforms []string
	from      string
	dryRun    bool
	signing   env.Signing
}

func imagePushCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var f imageFlags
	cmd := e.Command(env.Command{
		Use:   "push REF",
		Short: "Publish the image of the lock",
		Long: `REF is HOST/PATH, or HOST/PATH:TAG to set a tag too, last of all. What is
printed, HOST/PATH@DIGEST, names an index over the lock's linux platforms. The
digest depends on the lock alone, so it is the same in every registry.

The layers of the image are the locked layers themselves, by their digests, and
one of links from the names under which the host looks. If the registry has
a layer already it is mounted, else copied. A layer that holds more than its
driver, or gives it other rights than it needs, is packed again, which is told.

With --base the drivers are put on another image, where the host finds them; for
a Database's spec.schemahero.image. Trust rules hold as they do for sync.`,
		Examples: []env.Example{
			{"image push registry.internal/apps/drivers:prod", "to mount as a volume"},
			{"image push registry.internal/apps/drivers --dry-run -o json", "what is in it, and its digest; nothing is sent"},
			{"image push registry.internal/apps/manager:0.25.0 --base docker.io/schemahero/schemahero-manager:0.25.0", "the drivers on the operator's image"},
			{"image push registry.internal/apps/drivers:prod --from drivers.tar", "behind an air gap, from a bundle"},
			{"image push registry.internal/apps/drivers:prod --sign --key cosign.key", "and sign it"},
		},
		Complete: complete.Nothing,
		Args:     env.Exactly(1, "REF, the image's HOST/PATH[:TAG],"),
		Run: func(cmd *cobra.Command, args []string) error {
			return runImagePush(cmd.Context(), e, u, args[0], f)
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&f.base, "base", "", "IMAGE[@DIGEST] to put the drivers on")
	flags.StringSliceVar(&f.platforms, "platform", nil, "only OS/ARCH")
	flags.StringVar(&f.from, "from", "", "read the drivers from this bundle or image layout, by the project's lock or else by its own")
	flags.BoolVar(&f.dryRun, "dry-run", false, "send nothing, print what would be sent")
	f.signing.Flags(flags)
	return cmd
}

// imageReference splits HOST/PATH[:TAG]; the tag is "" if there is none.
func imageReference(ref string) (repository, tag string, err error) {
	if strings.Contains(ref, "@") {
		return "", "", hint.Usagef("REF %q: has a digest, which the lock decides: write HOST/PATH or HOST/PATH:TAG", ref)
	}
	repository, tag, err = env.SplitReference(ref)
	if err != nil {
		return "", "", err
	}
	if repository == ref {
		tag = ""
	}
	return repository, tag, hint.Usage(artifact.CheckRepository(repository))
}

// baseReference reads an image as docker does: a name without a host is Docker
// Hub's, one without tag and digest means latest.
func baseReference(text string) (name, repository, reference string, err error) {
	first, _, below := strings.Cut(text, "/")
	switch {
	case !below:
		text = "docker.io/library/" + text
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		text = "docker.io/" + text
	}
	repository, reference, err = env.SplitReference(text)
	if err == nil {
		err = hint.Usage(artifact.CheckRepository(repository))
	}
	if err == nil && strings.Contains(text, "@") && !artifact.IsContentDigest(digest.Digest(reference)) {
		err = hint.Usagef("--base %s: %q is not a digest", text, reference)
	}
	name, _, pinned := strings.Cut(text, "@")
	if name == repository && !pinned {
		name += ":" + reference
	}
	return name, repository, reference, err
}

func runImagePush(ctx context.Context, e *env.Env, u *ui.UI, ref string, f imageFlags) error {
	repository, tag, err := imageReference(ref)
	if err != nil {
		return err
	}
	o := image.PushOptions{Tag: tag, DryRun: f.dryRun, Memory: e.Layers(), Open: e.Repository, Temp: os.TempDir(), Events: imageEvents(u)}
	if o.Platforms, err = e.ParsePlatforms(f.platforms); err != nil {
		return err
	}
	for _, p := range o.Platforms {
		if p.OS != "linux" {
			return hint.Usagef("--platform %s: an image is for linux", p)
		}
	}
	if err := f.signing.Load(e, u); err != nil {
		return err
	}
	options, err := e.Options()
	if err != nil {
		return err
	}
	var contents *transfer.Contents
	if f.from != "" {
		source, c, err := e.OpenSource(ctx, f.from, false)
		if err != nil {
			return err
		}
		defer source.Close()
		o.Open = func(name string) (registry.Repository, error) { return source.Repository(name), nil }
		contents, options.Source = c, o.Open
	}
	lock, err := e.LockToCarry(u, contents)
	if err != nil {
		return err
	}
	if err := checkTrust(ctx, e, u, lock, options, o.Platforms); err != nil {
		return err
	}
	if f.base != "" {
		if err := readBase(ctx, e, &o, f.base, repository, lock); err != nil {
			return err
		}
	}
	to, err := e.Writable(repository)
	if err != nil {
		return err
	}
	o.Copies, o.Sign = options.Registry.Mirrors, f.signing.In(to, u)
	report, err := image.Push(ctx, to, lock, o)
	u.StopProgress()
	if lost := o.Memory.Lost(); lost != nil {
		u.Warn("what the layers are is not remembered for export kubernetes and cluster check: %v", lost)
	}
	if err != nil {
		return hint.Online(err)
	}
	return printImage(u, report, o.Base)
}

// checkTrust holds the lock against the trust rules.
func checkTrust(ctx context.Context, e *env.Env, u *ui.UI, lock *lockfile.Lock, o project.Options, wanted []artifact.Platform) error {
	platforms, err := image.Platforms(lock, wanted)
	if err != nil {
		return err
	}
	p, err := e.ProjectOrLock()
	if err != nil {
		return err
	}
	if err := project.Open(p.ManifestFile(), o).CheckTrust(ctx, lock, platforms); err != nil {
		return err
	}
	var all []lockfile.Change
	for _, p := range lock.Plugins {
		all = append(all, lockfile.Change{Name: p.Name})
	}
	u.Unsigned(e.Accepted(lock, all, nil))
	return nil
}

func readBase(ctx context.Context, e *env.Env, o *image.PushOptions, text, target string, lock *lockfile.Lock) error {
	name, repository, reference, err := baseReference(text)
	if err != nil {
		return err
	}
	if repository == target && reference == o.Tag {
		return hint.Usagef("--base %s: is REF itself, on which every push would put the drivers again: give the image another tag", text)
	}
	platforms, err := image.Platforms(lock, o.Platforms)
	if err != nil {
		return err
	}
	if o.FromBase, err = e.Repository(repository); err != nil {
		return err
	}
	o.Base, err = image.ReadBase(ctx, o.FromBase, name, reference, platforms)
	if errors.Is(err, artifact.ErrNotFound) {
		return hint.With(err, "check the name, the tag and the digest: --base IMAGE[@DIGEST]")
	}
	return hint.Online(err)
}

// imageEvents shows how far an image has come.
func imageEvents(u *ui.UI) func(image.Event) {
	return func(e image.Event) {
		if e.Stage == image.Packing {
			u.Say("packing %s again: an image could not hold its layer as it is", e.Subject)
			return
		}
		u.Carry(string(e.Stage), e.Subject, e.Done, e.Total, e.Stage == image.There)
	}
}

// pushedImage is an object of kind PushedImage.
type pushedImage struct {
	Repository string             `json:"repository"`
	Tag        string             `json:"tag"`
	Digest     string             `json:"digest"`
	Reference  string             `json:"reference"` // REPOSITORY@DIGEST
	Base       *ui.ImageBase      `json:"base,omitempty"`
	DryRun     bool               `json:"dryRun"`
	Platforms  []ui.ImagePlatform `json:"platforms"`
	LeftOut    []string           `json:"leftOut"` // platforms that the base has not
	registry.Traffic
}

func printImage(u *ui.UI, r *image.Report, base *image.Base) error {
	p := pushedImage{
		Repository: r.Repository, Tag: r.Tag, Digest: string(r.Index.Digest), Reference: artifact.Reference(r.Repository, string(r.Index.Digest)),
		DryRun: r.DryRun, Platforms: []ui.ImagePlatform{}, LeftOut: []string{},
		Traffic: r.Traffic,
	}
	if base != nil {
		p.Base = &ui.ImageBase{Name: base.Name, Digest: string(base.Digest)}
	}
	for _, l := range r.Left {
		p.LeftOut = append(p.LeftOut, l.String())
	}
	if len(r.Left) > 0 {
		u.Warn("%s: has no image for %s, so neither has this one", base.Name, artifact.JoinPlatforms(r.Left))
	}
	var rows []ui.ImageLayer
	for _, part := range r.Parts {
		q := ui.NewImagePlatform(part.Platform, part.Manifest.Digest, part.Links)
		for _, l := range part.Layers {
			q.Layers = append(q.Layers, ui.ImageLayer{
				Name: l.Plugin, Version: l.Version, Platform: q.Platform, Size: l.Desc.Size, Digest: string(l.Desc.Digest), MediaType: l.Desc.MediaType,
				DiffID: string(l.DiffID), Entry: l.Entry, Locked: string(l.Locked.Layer), Packed: l.Packed,
			})
		}
		rows = append(rows, q.Layers...)
		q.Lacks = append(q.Lacks, part.Lacks...)
		for _, name := range part.Lacks {
			u.Warn("%s: has no release for %s, so the image for that lacks it", name, part.Platform)
		}
		p.Platforms = append(p.Platforms, q)
	}
	switch {
	case r.DryRun:
	case r.BytesSent == 0:
		u.Say("the image was there already: nothing was sent")
	default:
		u.Say("%s", ui.Sent(r.Traffic))
	}
	v := ui.Single("PushedImage", "image", p.Reference, p).Rows(rows)
	v.Text = func(w ui.Lines) { w.Line("%s", p.Reference) }
	return u.Print(v)
}
