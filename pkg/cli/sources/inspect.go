package sources

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func inspectCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var raw bool
	cmd := e.Command(env.Command{
		Use:   "inspect REF",
		Short: "Show a release as a consumer will see it",
		Long: `REF is HOST/PATH:TAG or HOST/PATH@DIGEST. Shows the layout, the platforms with
their layers, the annotations and what refers to the release, in any of the
layouts that drivers are published in; and of an image that image push made, the
drivers in it.

--manifest prints the manifest or index as the registry has it, byte for byte.`,
		Examples: []env.Example{
			{"inspect docker.io/schemahero/plugin-postgres:0.1.2", "a release"},
			{"inspect ghcr.io/acme/schemahero/postgres:0.1.2 -o json", "the same for a script"},
			{"inspect ghcr.io/acme/schemahero/postgres:0.1.2 --manifest", "its raw JSON"},
		},
		Complete: complete.Releases(e),
		Args:     env.Exactly(1, "REF"),
		Run: func(cmd *cobra.Command, args []string) error {
			if raw && u.Output != "" && u.Output != "json" {
				return hint.Usagef("--manifest and --output %s: use only one of them", u.Output)
			}
			repository, reference, err := env.SplitReference(args[0])
			if err != nil {
				return err
			}
			repo, err := e.Repository(repository)
			if err != nil {
				return err
			}
			if raw {
				_, data, err := repo.Manifest(cmd.Context(), reference)
				if err != nil {
					return inspectAdvice(e, err, args[0], repository)
				}
				return u.Bytes(data)
			}
			err = runInspect(cmd.Context(), u, repo, reference)
			if errors.As(err, new(*artifact.FormatError)) { // it may be an image
				found, none := image.Inspect(cmd.Context(), repo, args[0], reference)
				if none == nil {
					return printImage(cmd.Context(), u, repo, reference, found)
				}
			}
			return inspectAdvice(e, err, args[0], repository)
		},
	})
	cmd.Flags().BoolVar(&raw, "manifest", false, "print the raw JSON")
	cmd.SuggestFor = []string{"info", "show"}
	return cmd
}

// inspectAdvice puts hints that fit a reference, where the usual ones are about a
// project's drivers.
func inspectAdvice(e *env.Env, err error, ref, repository string) error {
	var format *artifact.FormatError
	switch {
	case errors.As(err, &format):
		return hint.With(err, "it is not a driver that can be read; see all of it: "+e.Name()+" inspect "+ref+" --manifest")
	case errors.Is(err, artifact.ErrNotFound):
		at := strings.LastIndexByte(repository, '/')
		return hint.With(err, "see what there is: "+e.Name()+" search "+repository[:max(at, 0)])
	}
	return hint.Online(err)
}

// releaseInfo is an object of kind Release.
type releaseInfo struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Repository  string            `json:"repository"`
	Tag         string            `json:"tag"`
	Digest      string            `json:"digest"`
	Layout      string            `json:"layout"`
	Created     string            `json:"created"`
	Requires    map[string]string `json:"requires"`
	Annotations map[string]string `json:"annotations"`
	Platforms   []buildInfo       `json:"platforms"`
	Referrers   []referrerInfo    `json:"referrers"`
}

type buildInfo struct {
	Platform   string `json:"platform" col:"PLATFORM"`
	Tag        string `json:"tag,omitempty"`
	Size       int64  `json:"size" col:"SIZE,bytes"`
	File       string `json:"file" col:"FILE"`
	Layer      string `json:"layer" col:"LAYER"`
	Manifest   string `json:"manifest" col:"+MANIFEST"`
	Executable string `json:"executable" col:"+EXECUTABLE"`

	Other *otherInfo `json:"other,omitempty"` // a row of its own
}

// otherInfo is the same executable, packed otherwise.
type otherInfo struct {
	Size     int64  `json:"size"`
	File     string `json:"file"`
	Layer    string `json:"layer"`
	Manifest string `json:"manifest"`
}

func newBuildInfo(b artifact.Build) buildInfo {
	return buildInfo{b.Platform.String(), b.Tag, b.Layer.Size, b.File, string(b.Layer.Digest), string(b.Manifest), string(b.Executable), nil}
}

type referrerInfo struct {
	Digest       string `json:"digest"`
	ArtifactType string `json:"artifactType"`
	Size         int64  `json:"size"`
}

// readRelease reads what a reference names, with the tags of single platforms
// if it is a version of the tags layout.
func readRelease(ctx context.Context, repo registry.Repository, name, reference string) (*artifact.Release, error) {
	rel, err := artifact.ReadReference(ctx, repo, name, reference)
	if err != nil {
		return nil, err
	}
	tag, ok := artifact.ParseTag(reference)
	if ok {
		rel.Version = tag.Version.String() // whatever the release says of itself
	}
	if rel.Layout != artifact.LayoutTags || !ok || !tag.Platform.IsZero() {
		return rel, nil
	}
	tags, err := registry.AllTags(ctx, repo)
	if err != nil {
		return nil, err
	}
	for _, c := range artifact.Candidates(tags) {
		if c.Tag == reference {
			return artifact.Read(ctx, repo, name, c)
		}
	}
	return rel, nil
}

func runInspect(ctx context.Context, u *ui.UI, repo registry.Repository, reference string) error {
	name := manifest.NameIn(repo.Name())
	rel, err := readRelease(ctx, repo, name, reference)
	if err != nil {
		return err
	}
	if err := rel.CheckStated(rel.Version); err != nil {
		u.Warn("%s", err.Error())
	}
	info := releaseInfo{
		Name: name, Version: rel.Version, Repository: repo.Name(), Tag: rel.Tag, Digest: string(rel.Digest), Layout: string(rel.Layout),
		Requires: orEmpty(rel.Requires), Annotations: orEmpty(rel.Annotations), Created: ui.Time(rel.Created),
	}
	others, err := artifact.ReadOthers(ctx, repo, rel)
	if err != nil {
		return err
	}
	var rows []buildInfo
	for _, b := range rel.Builds {
		it := newBuildInfo(b)
		rows = append(rows, it)
		for _, o := range others {
			if o.Platform == b.Platform {
				it.Other = &otherInfo{o.Layer.Size, o.File, string(o.Layer.Digest), string(o.Manifest)}
				rows = append(rows, newBuildInfo(o))
			}
		}
		info.Platforms = append(info.Platforms, it)
	}
	subject := rel.Digest
	if subject == "" {
		subject = rel.Builds[0].Manifest
	}
	info.Referrers = referrersOf(ctx, u, repo, subject)
	v := ui.Single("Release", "release", cmp.Or(info.Version, info.Tag, info.Digest), info).Rows(rows)
	if u.Output == "" {
		printRelease(ui.NewLines(u.Out), info)
	}
	return u.Print(v)
}

// referrersOf lists what refers to a digest; that it cannot is a warning.
func referrersOf(ctx context.Context, u *ui.UI, repo registry.Repository, subject digest.Digest) []referrerInfo {
	out := []referrerInfo{}
	referrers, err := repo.Referrers(ctx, subject)
	if err != nil && !errors.Is(err, artifact.ErrNotFound) {
		u.Warn("referrers: %s", err.Error())
	}
	for _, r := range referrers {
		out = append(out, referrerInfo{string(r.Digest), r.ArtifactType, r.Size})
	}
	return out
}

// fields writes lines NAME: VALUE, for values that there are.
func fields(w ui.Lines) func(name, value string) {
	return func(name, value string) {
		if value != "" {
			w.Line("%-12s %s", name+":", value)
		}
	}
}

func printRelease(w ui.Lines, r releaseInfo) {
	field := fields(w)
	field("Name", r.Name)
	field("Version", r.Version)
	field("Repository", r.Repository)
	field("Tag", r.Tag)
	field("Digest", r.Digest)
	field("Layout", r.Layout)
	field("Created", r.Created)
	for _, k := range slices.Sorted(maps.Keys(r.Requires)) {
		field("Requires", k+" "+r.Requires[k])
	}
	for _, k := range slices.Sorted(maps.Keys(r.Annotations)) {
		field("Annotation", k+"="+r.Annotations[k])
	}
	for _, f := range r.Referrers {
		field("Referrer", f.Digest+" "+f.ArtifactType)
	}
	w.Line("")
}

// orEmpty makes a map {} where it would be null.
func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
