package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

// pushFlags are what push is told on the command line.
type pushFlags struct {
	registry    string
	platforms   []string
	annotations []string
	requires    []string
	host        string
	compression string
	dist        string
	force       bool
	dryRun      bool
	probe       bool
}

func (a *app) pushCommand() *cobra.Command {
	var p pushFlags
	cmd := a.command("push NAME VERSION", "Publish a driver's release",
		`Packs an executable for each platform reproducibly and publishes them as one OCI
index. Sets the tags X.Y.Z and X.Y.Z-OS-ARCH, and X.Y, X and latest where this
is the highest version of them; tags come last, so that no reader sees half a
release. A version that exists with the same content is left alone; other
content is refused.

--registry takes the forms that a manifest's registry has. Without it the
environment's REGISTRY/REGISTRY_NAMESPACE is used. Without --platform the
archives in dist/ are published.`,
		examples(
			"push postgres 0.1.2 --registry ghcr.io/acme/schemahero --platform linux/amd64=bin/schemahero-postgres", "publish one executable",
			"push postgres 0.1.2 --registry ghcr.io/acme/schemahero --schemahero '>=0.24' --dry-run", "what dist/ would become, with the host versions that it supports",
			"push timescaledb 0.1.0 --registry 'ghcr.io/acme/plugin-{name}' --requires postgres=^0.1", "a driver that requires another"),
		exactly(2, "NAME VERSION"), func(cmd *cobra.Command, args []string) error {
			return a.runPush(cmd.Context(), args[0], args[1], p)
		})
	f := cmd.Flags()
	f.StringVar(&p.registry, "registry", "", "where to publish: HOST/PATH, or with {name} in it")
	f.StringArrayVar(&p.platforms, "platform", nil, "OS/ARCH=FILE, an executable or an archive of one; may be repeated")
	f.StringArrayVar(&p.annotations, "annotation", nil, "KEY=VALUE on the release; may be repeated")
	f.StringArrayVar(&p.requires, "requires", nil, "NAME=CONSTRAINT on another driver; may be repeated")
	f.StringVar(&p.host, "schemahero", "", "constraint on the host's version")
	f.StringVar(&p.compression, "compression", "gzip", "gzip, or zstd (which the host's own download cannot read)")
	f.StringVar(&p.dist, "dist", "dist", "folder of archives to publish where no --platform names a file")
	f.BoolVar(&p.force, "force", false, "replace a published version, pass over what lint finds")
	f.BoolVar(&p.dryRun, "dry-run", false, "send nothing, print digests and tags")
	f.BoolVar(&p.probe, "probe", false, "start this machine's executable once (runs its code)")
	return cmd
}

func (a *app) runPush(ctx context.Context, name, version string, p pushFlags) error {
	if err := artifact.CheckName(name); err != nil {
		return asUsage(err)
	}
	repository, err := a.pushRepository(name, p.registry)
	if err != nil {
		return err
	}
	release := publish.Release{Name: name, Version: version, HostConstraint: p.host}
	if release.Created, err = a.created(); err != nil {
		return err
	}
	if release.Compression, err = publish.ParseCompression(p.compression); err != nil {
		return asUsage(err)
	}
	if release.Files, err = a.pushFiles(name, p); err != nil {
		return err
	}
	if release.Annotations, err = pairs("annotation", p.annotations); err != nil {
		return err
	}
	if release.Requires, err = pairs("requires", p.requires); err != nil {
		return err
	}
	repo, err := a.repository(repository)
	if err != nil {
		return err
	}
	report, err := publish.Push(ctx, repo, release, publish.Options{
		Force: p.force, DryRun: p.dryRun, Probe: p.probe, Host: hostPlatform(), Events: a.publishEvent,
	})
	if err != nil {
		return err
	}
	return a.printPush(report)
}

// pushRepository is where a release goes.
func (a *app) pushRepository(name, registry string) (string, error) {
	if registry == "" {
		host, namespace := a.env("REGISTRY"), a.env("REGISTRY_NAMESPACE")
		if host == "" || namespace == "" {
			return "", usagef("--registry is missing: say where to publish, or set REGISTRY and REGISTRY_NAMESPACE")
		}
		registry = host + "/" + namespace
	}
	if err := manifest.CheckRegistry(registry); err != nil {
		return "", asUsage(err)
	}
	return manifest.Join(registry, name), nil
}

// created is when a release was made: SOURCE_DATE_EPOCH where it is set
// (https://reproducible-builds.org/specs/source-date-epoch), else now.
func (a *app) created() (time.Time, error) {
	epoch := a.env("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return a.Now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, usagef("SOURCE_DATE_EPOCH %q: is no number of seconds", epoch)
	}
	return time.Unix(seconds, 0), nil
}

func (a *app) pushFiles(name string, p pushFlags) (map[artifact.Platform]string, error) {
	if len(p.platforms) == 0 {
		return publish.FromDist(a.abs(p.dist), name)
	}
	files := map[artifact.Platform]string{}
	for _, s := range p.platforms {
		text, file, ok := strings.Cut(s, "=")
		platform, err := artifact.ParseMachine(text)
		switch {
		case !ok || file == "":
			return nil, usagef("--platform %s: write OS/ARCH=FILE", s)
		case err != nil:
			return nil, asUsage(err)
		case files[platform] != "":
			return nil, usagef("--platform %s: is named twice", platform)
		}
		files[platform] = a.abs(file)
	}
	return files, nil
}

func pairs(flag string, list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range list {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, usagef("--%s %q: write KEY=VALUE", flag, s)
		}
		out[key] = value
	}
	return out, nil
}

func (a *app) publishEvent(e publish.Event) {
	if e.Ended || e.Total > 0 && e.Done == e.Total || e.Stage == publish.StageSkip || e.Stage == publish.StageTag {
		if a.flags.verbose {
			a.say("%s: %s", escape(e.Subject), e.Stage)
		}
	}
}

// pushed is an object of kind Published.
type pushed struct {
	Name       string           `json:"name"`
	Version    string           `json:"version"`
	Repository string           `json:"repository"`
	Digest     string           `json:"digest"`
	Kept       bool             `json:"kept"`
	DryRun     bool             `json:"dryRun"`
	Tags       []string         `json:"tags"`
	Platforms  []pushedPlatform `json:"platforms"`
	BytesSent  int64            `json:"bytesSent"`
	BlobsSent  int              `json:"blobsSent"`
	Skipped    int              `json:"blobsSkipped"`
	Ignored    []string         `json:"ignored,omitempty"`
}

type pushedPlatform struct {
	Platform string `json:"platform"`
	Manifest string `json:"manifest"`
	Layer    string `json:"layer"`
	Size     int64  `json:"size"`
}

func (a *app) printPush(r *publish.Report) error {
	p := pushed{Name: r.Name, Version: r.Version, Repository: r.Repository, Digest: string(r.Digest), Kept: r.Kept, DryRun: r.DryRun,
		Tags: []string{}, BytesSent: r.Sent, BlobsSent: r.Blobs, Skipped: r.Skipped}
	for _, t := range r.Tags {
		p.Tags = append(p.Tags, t.Tag)
	}
	slices.Sort(p.Tags)
	v := view{names: []string{r.Name}, columns: cols("PLATFORM", "SIZE", "LAYER", "MANIFEST")}
	for _, q := range r.Platforms {
		p.Platforms = append(p.Platforms, pushedPlatform{q.Platform.String(), string(q.Manifest), string(q.Layer.Digest), q.Layer.Size})
		v.rows = append(v.rows, []any{q.Platform.String(), bytesText(q.Layer.Size), string(q.Layer.Digest), string(q.Manifest)})
	}
	for _, i := range r.Ignored {
		p.Ignored = append(p.Ignored, fmt.Sprint(i))
		a.warn("%s", escape(fmt.Sprint(i)))
	}
	v.object = newSingle("Published", p)
	v.text = func(w io.Writer) {
		verb := "pushed"
		switch {
		case r.Kept:
			verb = "is published already, unchanged:"
		case r.DryRun:
			verb = "would be pushed:"
		}
		fmt.Fprintf(w, "%s %s %s %s@%s\n", r.Name, r.Version, verb, r.Repository, r.Digest)
		if len(p.Tags) > 0 {
			fmt.Fprintf(w, "tags: %s\n", strings.Join(p.Tags, " "))
		}
	}
	return a.print(v)
}

func (a *app) tagCommand() *cobra.Command {
	var force bool
	cmd := a.command("tag REF TAG...", "Give a release more tags, without moving bytes",
		`REF is HOST/PATH:TAG or HOST/PATH@DIGEST. A tag that names a version and stands
for something else is refused without --force.`,
		examples(
			"tag ghcr.io/acme/schemahero/postgres:0.1.2 stable", "one more tag",
			"tag ghcr.io/acme/schemahero/postgres:0.1.2 stable production", "two",
			"tag ghcr.io/acme/schemahero/postgres@sha256:… stable", "of a digest"),
		needs(2, "REF and TAG"), func(cmd *cobra.Command, args []string) error {
			repository, reference, err := splitRef(args[0])
			if err != nil {
				return err
			}
			repo, err := a.repository(repository)
			if err != nil {
				return err
			}
			moves, err := publish.AddTags(cmd.Context(), repo, reference, args[1:], force)
			if err != nil {
				return err
			}
			for _, m := range moves {
				fmt.Fprintf(a.Out, "%s:%s %s\n", escape(repository), m.Tag, m.Digest)
			}
			if len(moves) == 0 {
				a.say("%s has these tags already", escape(args[0]))
			}
			return nil
		})
	cmd.Flags().BoolVar(&force, "force", false, "move a tag that names a version")
	return cmd
}

// splitRef splits HOST/PATH:TAG or HOST/PATH@DIGEST. Neither means latest.
func splitRef(ref string) (repository, reference string, err error) {
	if r, d, ok := strings.Cut(ref, "@"); ok {
		return r, d, nil
	}
	colon := strings.LastIndex(ref, ":")
	if colon < 0 || strings.Contains(ref[colon:], "/") {
		if !strings.Contains(ref, "/") {
			return "", "", usagef("REF %q: write HOST/PATH:TAG", ref)
		}
		return ref, "latest", nil
	}
	if !artifact.IsTag(ref[colon+1:]) {
		return "", "", usagef("REF %q: %q is no tag", ref, ref[colon+1:])
	}
	return ref[:colon], ref[colon+1:], nil
}
