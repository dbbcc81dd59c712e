package author

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// pushFlags are what push is told on the command line.
type pushFlags struct {
	registry    string
	platforms   []string
	annotations []string
	requires    []string
	host        string
	compression string
	source      string
	dist        string
	from        string
	layout      string
	build       bool
	force       bool
	dryRun      bool
	probe       bool
	noFloating  bool
	hostTags    bool
	noSBOM      bool
	repair      bool
	signing     env.Signing
}

// everyDriver is the word that stands for all drivers found.
const everyDriver = "all"

func pushCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var p pushFlags
	cmd := e.Command(env.Command{
		Use:   "push NAME|all [VERSION]",
		Short: "Publish a driver's release",
		Long: `Packs an executable for each platform reproducibly and publishes them as one OCI
index. Sets the tags X.Y.Z and X.Y.Z-OS-ARCH, and X.Y, X and latest where this
is the highest version of them; tags come last, so that no reader sees half a
release. A version that exists with the same content is left alone; other
content is refused. If the registry never moves a tag, X.Y, X and latest stay
behind, with a warning. --repair-tags sets those that do not name what the
published versions say they should, and nothing else; --dry-run tells of them.
--host-tags adds X.Y.Z-ARCH, X.Y-ARCH and X-ARCH for linux, which the host asks
for where SCHEMAHERO_PLUGIN_REGISTRY or --plugin-registry names a registry.

An SBOM of the Go modules in each executable is attached (CycloneDX 1.6), signed
where the release is.

The archives in dist/ are published; or the files that --platform names; or what
--build compiles; or, with --from, a release of another layout, whose layers are
kept byte for byte. "all" stands for every driver found. Without VERSION it is
what build finds, or what the release of --from says.

--registry takes the forms that a manifest's registry has. Without it the
environment's REGISTRY/REGISTRY_NAMESPACE is used. No mirror is asked: one that
lags would let a published version be replaced.

Annotations that readers know, beside those written from the flags:
org.opencontainers.image.source, .revision, .licenses, .description.`,
		Examples: []env.Example{
			{"push postgres 0.1.2 --registry ghcr.io/acme/schemahero --platform linux/amd64=bin/schemahero-postgres", "publish one executable"},
			{"push postgres 0.1.2 --registry ghcr.io/acme/schemahero --schemahero '>=0.24' --dry-run", "what dist/ would become, with the host versions that it supports"},
			{"push all --build --registry 'docker.io/acme/plugin-{name}'", "build and publish every driver, each in its own version"},
			{"push timescaledb 0.1.0 --registry 'ghcr.io/acme/plugin-{name}' --requires postgres=^0.1", "a driver that requires another"},
			{"push postgres --from docker.io/schemahero/plugin-postgres:0.1.2 --registry ghcr.io/acme/schemahero", "a release of another layout, as an index"},
			{"push postgres 0.1.2 --registry ghcr.io/acme/schemahero --compression gzip,zstd", "archives for every reader, and smaller ones for this program"},
		},
		Complete: complete.Known(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 2 {
				return hint.Usagef("too many arguments: %s", strings.Join(args[2:], " "))
			}
			if len(args) == 0 && p.from == "" {
				return hint.Usagef("NAME is missing: name a driver, or say all")
			}
			return nil
		},
		Run: func(cmd *cobra.Command, args []string) error {
			args = append(args, "", "")
			switch changed := cmd.Flags().Changed; {
			case changed("dist") && len(p.platforms) > 0 && !p.build:
				return hint.Usagef("--dist and --platform OS/ARCH=FILE: use only one of them")
			case changed("source") && args[1] != "" && !p.build:
				return hint.Usagef("--source: goes with --build, or without VERSION")
			}
			if p.repair {
				return runRepair(cmd.Context(), e, u, args[0], args[1], p)
			}
			if err := p.signing.Load(e, u); err != nil {
				return err
			}
			if p.from != "" || p.layout != "" {
				return runRepublish(cmd.Context(), e, u, args[0], args[1], p)
			}
			return runPush(cmd.Context(), e, u, args[0], args[1], p)
		},
	})
	f := cmd.Flags()
	f.StringVar(&p.registry, "registry", "", "where to publish: HOST/PATH, or with {name} in it")
	f.StringArrayVar(&p.platforms, "platform", nil, "OS/ARCH=FILE, an executable or an archive of one; with --build OS/ARCH; may be repeated")
	f.BoolVar(&p.build, "build", false, "compile first, as build does")
	f.StringVar(&p.source, "source", ".", "the tree that holds plugins/NAME")
	f.StringVar(&p.dist, "dist", "dist", "folder of archives to publish where no --platform names a file")
	f.StringVar(&p.from, "from", "", "HOST/PATH:TAG, a release to publish in the index layout")
	f.StringVar(&p.layout, "layout", "", "with --from: index")
	_ = f.MarkHidden("layout") // there is one, which scripts may name
	f.StringVar(&p.host, "schemahero", "", "constraint on the host's version")
	f.StringArrayVar(&p.requires, "requires", nil, "NAME=CONSTRAINT on another driver; may be repeated")
	f.StringArrayVar(&p.annotations, "annotation", nil, "KEY=VALUE on the release; may be repeated")
	f.StringVar(&p.compression, "compression", "gzip", "gzip, zstd (which the host's own download cannot read), or gzip,zstd for both")
	f.BoolVar(&p.force, "force", false, "replace a published version, pass over what lint finds")
	f.BoolVar(&p.noFloating, "no-floating-tags", false, "set X.Y.Z and its platforms' tags alone, not X.Y, X and latest")
	f.BoolVar(&p.hostTags, "host-tags", false, "also set X.Y.Z-ARCH, X.Y-ARCH and X-ARCH for linux, which the host asks for")
	f.BoolVar(&p.noSBOM, "no-sbom", false, "attach no SBOM of the Go modules in each executable")
	f.BoolVar(&p.repair, "repair-tags", false, "publish nothing: set X.Y, X and latest as the published versions say")
	f.BoolVar(&p.dryRun, "dry-run", false, "send nothing, print digests and tags")
	p.signing.Flags(f)
	f.BoolVar(&p.probe, "probe", false, "start this machine's executable once (runs its code)")
	for _, unused := range []string{"build", "platform", "compression", "dist", "source"} {
		cmd.MarkFlagsMutuallyExclusive("from", unused) // its layers are kept as they are
	}
	for _, other := range []string{"from", "build", "platform", "dist", "source", "sign", "host-tags", "no-floating-tags", "no-sbom"} {
		cmd.MarkFlagsMutuallyExclusive("repair-tags", other)
	}
	_ = cmd.RegisterFlagCompletionFunc("platform", complete.Platforms("="))
	_ = cmd.RegisterFlagCompletionFunc("compression", cobra.FixedCompletions([]string{"gzip", "zstd", "gzip,zstd"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func runPush(ctx context.Context, e *env.Env, u *ui.UI, name, version string, p pushFlags) error {
	base, err := release(e, p)
	registry, noRegistry := pushRegistry(e, p.registry)
	if err := errors.Join(err, noRegistry); err != nil { // before minutes of compiling
		return err
	}
	if err := artifact.CheckName(name); err != nil && (p.build || len(p.platforms) == 0 || version == "") {
		return hint.Usage(err) // with a name that is none, nothing is found that could be wrong besides
	}
	var reports []*publish.Report
	var failed []error
	releases, err := toPush(ctx, e, u, name, version, base, p)
	if err != nil {
		failed = append(failed, err)
	}
	for _, r := range releases {
		report, err := pushOne(ctx, e, u, registry, r, p)
		if err != nil {
			failed = append(failed, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		reports = append(reports, report)
	}
	switch {
	case len(failed) > 0 && len(reports) > 0:
		tellDone(u, pushView(u, reports)) // what is out is told, whatever became of the others
	case name == everyDriver && len(reports) > 0:
		return u.Print(pushView(u, reports))
	case len(reports) > 0:
		return printPush(u, reports[0])
	}
	return errors.Join(failed...)
}

// runRepair sets the floating tags of a driver.
func runRepair(ctx context.Context, e *env.Env, u *ui.UI, name, version string, p pushFlags) error {
	switch {
	case version != "":
		return hint.Usagef("--repair-tags: takes no VERSION: it repairs the tags of all of them")
	case name == everyDriver || name == "":
		return hint.Usagef("--repair-tags: name one driver")
	}
	if err := artifact.CheckName(name); err != nil {
		return hint.Usage(err)
	}
	registry, err := pushRegistry(e, p.registry)
	if err != nil {
		return err
	}
	repo, err := publishTarget(e, manifest.Join(registry, name))
	if err != nil {
		return err
	}
	moves, err := publish.RepairTags(ctx, repo, p.dryRun)
	return printMoves(u, repo.Name(), moves, err, "every floating tag of "+repo.Name()+" names what it should")
}

func pushOne(ctx context.Context, e *env.Env, u *ui.UI, registry string, r publish.Release, p pushFlags) (*publish.Report, error) {
	if artifact.CheckName(r.Name) != nil {
		return nil, publish.Lint(ctx, r, publishOptions(e, u, nil, p)) // no repository is called so
	}
	repo, err := publishTarget(e, manifest.Join(registry, r.Name))
	if err != nil {
		return nil, err
	}
	report, err := publish.Push(ctx, repo, r, publishOptions(e, u, repo, p))
	return report, hint.Online(err)
}

func runRepublish(ctx context.Context, e *env.Env, u *ui.UI, name, version string, p pushFlags) error {
	switch {
	case p.from == "":
		return hint.Usagef("--layout: goes with --from; a push from files writes the index layout")
	case p.layout != "" && p.layout != string(artifact.LayoutIndex):
		return hint.Usagef("--layout %s: only index is written", p.layout)
	case name == everyDriver:
		return hint.Usagef("--from: is one release, not all")
	}
	repository, reference, err := env.SplitReference(p.from)
	if err != nil {
		return err
	}
	if name == "" {
		name = manifest.NameIn(repository)
	}
	if err := artifact.CheckName(name); err != nil {
		return hint.Usage(err)
	}
	r, err := release(e, p)
	if err != nil {
		return err
	}
	r.Name, r.Version = name, version
	registry, err := pushRegistry(e, p.registry)
	if err != nil {
		return err
	}
	repo, err := publishTarget(e, manifest.Join(registry, name))
	if err != nil {
		return err
	}
	from, err := e.Repository(repository)
	if err != nil {
		return err
	}
	report, err := publish.Republish(ctx, repo, from, reference, r, publishOptions(e, u, repo, p))
	if err != nil {
		return notThat(e, err, p.from)
	}
	return printPush(u, report)
}

// notThat puts better hints to a release of --from that is not what it was taken
// for: nothing was to be installed.
func notThat(e *env.Env, err error, from string) error {
	if errors.As(err, new(*artifact.FormatError)) {
		return hint.With(err, "see what is there: "+e.Name()+" inspect "+from, "check --from, and NAME if it was given: it is the driver's")
	}
	return hint.Online(err)
}

func publishOptions(e *env.Env, u *ui.UI, repo registry.Target, p pushFlags) publish.Options {
	return publish.Options{
		Force: p.force, DryRun: p.dryRun, NoFloatingTags: p.noFloating, HostTags: p.hostTags, NoSBOM: p.noSBOM, Probe: p.probe, Host: e.Platform,
		Sign: p.signing.In(repo, u), Temp: os.TempDir(), Events: told(u),
	}
}

// pushRegistry is where releases go, in the forms of a manifest's registry.
func pushRegistry(e *env.Env, registry string) (string, error) {
	if registry == "" {
		host, namespace := e.Getenv("REGISTRY"), e.Getenv("REGISTRY_NAMESPACE")
		if host == "" || namespace == "" {
			return "", hint.Usagef("--registry is missing: say where to publish, or set REGISTRY and REGISTRY_NAMESPACE")
		}
		registry = host + "/" + namespace
	}
	return registry, hint.Usage(manifest.CheckRegistry(registry))
}
