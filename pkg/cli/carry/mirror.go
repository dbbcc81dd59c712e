package carry

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// mirrorFlags are what mirror is told besides its target.
type mirrorFlags struct {
	from        string
	platforms   []string
	allVersions []string
	maps        []string
	dryRun      bool
	writeConfig bool
	hostTags    bool
}

func mirrorCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var m mirrorFlags
	cmd := e.Command(env.Command{
		Use:   "mirror TARGET",
		Short: "Copy what the lock needs to another registry",
		Long: `HOST/PATH is copied to TARGET/PATH: indexes, manifests, layers, and what refers
to them, such as signatures, with the digests and tags that they have. Only what
is missing is sent, so a run that was cut goes on where it was.

At the end stands the line for [mirrors] in HOME/config.toml with which every
later sync uses the copy; --write-config writes it, where everything locked has
arrived. What could not be carried is told, and exit code 1.

--host-tags gives each locked driver the tags under which SchemaHero's host asks
for it: with SCHEMAHERO_PLUGIN_REGISTRY=TARGET/PATH/plugin the repository is
TARGET/PATH/plugin-NAME, and the tag 0-amd64. X.Y-ARCH and X-ARCH belong to the
highest version that the target has.`,
		Examples: []env.Example{
			{"mirror mirror.internal", "docker.io/schemahero/X to mirror.internal/schemahero/X"},
			{"mirror mirror.internal --write-config", "and use it on this machine from now on"},
			{"mirror mirror.internal --from drivers.tar", "load a bundle into a registry behind an air gap"},
			{"mirror mirror.internal/hub --map docker.io/schemahero=drivers", "docker.io/schemahero/X to mirror.internal/hub/drivers/X"},
			{"mirror mirror.internal --all-versions postgres --dry-run", "what every version of a driver would send"},
		},
		Complete: complete.Nothing,
		Args:     env.Exactly(1, "TARGET, a registry's HOST[:PORT][/PATH],"),
		Run: func(cmd *cobra.Command, args []string) error {
			return runMirror(cmd.Context(), e, u, strings.TrimSuffix(args[0], "/"), m)
		},
	})
	f := cmd.Flags()
	f.StringVar(&m.from, "from", "", "copy from this bundle or image layout, by the project's lock or else by its own")
	f.StringSliceVar(&m.platforms, "platform", nil, "only OS/ARCH (many registries refuse an index without its other platforms)")
	f.StringSliceVar(&m.allVersions, "all-versions", nil, "every version of this locked driver")
	f.StringSliceVar(&m.maps, "map", nil, "PREFIX=PREFIX: below the first, put what is found below TARGET/second")
	f.BoolVar(&m.hostTags, "host-tags", false, "also set X.Y.Z-ARCH, X.Y-ARCH and X-ARCH for linux, which the host asks for")
	f.BoolVar(&m.dryRun, "dry-run", false, "ask only, print what would be sent")
	f.BoolVar(&m.writeConfig, "write-config", false, "write the [mirrors] line to HOME/config.toml")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "write-config")
	return cmd
}

// mapping reads TARGET and --map.
func mapping(target string, maps []string) (*transfer.Mapping, error) {
	if err := manifest.CheckRegistry(target); err != nil {
		return nil, hint.Usage(err)
	}
	var rules []transfer.Rule
	for _, m := range maps {
		from, to, ok := strings.Cut(m, "=")
		if !ok || from == "" {
			return nil, hint.Usagef("--map %q: write PREFIX=PREFIX", m)
		}
		rules = append(rules, transfer.Rule{From: from, To: to})
	}
	return transfer.NewMapping(target, rules)
}

func runMirror(ctx context.Context, e *env.Env, u *ui.UI, target string, m mirrorFlags) error {
	to, err := mapping(target, m.maps)
	if err != nil {
		return err
	}
	var contents *transfer.Contents
	var source *env.Source
	if m.from != "" {
		if source, contents, err = e.OpenSource(ctx, m.from, false); err != nil {
			return err
		}
		defer source.Close()
		if contents.Lock != nil && len(m.allVersions) > 0 {
			return hint.Usagef("--all-versions: %s: is a bundle, which holds only the versions of its lock", m.from)
		}
	}
	if err := mirrorClient(e, target); err != nil {
		return err
	}
	lock, err := e.LockToCarry(u, contents)
	if err != nil {
		return err
	}
	if contents != nil && lock == contents.Lock {
		lock = contents.All()
	}
	for _, name := range m.allVersions {
		if _, ok := lock.Plugin(name); !ok {
			return hint.Usagef("--all-versions %s: the lock names no such driver", name)
		}
	}
	if lock, err = forPlatforms(e, lock, m.platforms); err != nil {
		return err
	}
	from := transfer.Open(e.Repository)
	if source != nil {
		from = func(name string) (registry.Repository, error) { return source.Repository(name), nil }
	}
	lock, left, err := to.Part(lock)
	if err != nil {
		return err
	}
	for _, p := range left {
		u.Say("%s: is from %s, so there is nothing to mirror", p.Name, p.Repository)
	}
	graphs, err := transfer.Plan(ctx, lock, from, transfer.PlanOptions{
		Sparse: len(m.platforms) > 0 || source != nil, AllVersions: m.allVersions, PlatformTags: true, Both: m.hostTags && source == nil,
	})
	if err != nil {
		return err
	}
	warnUnsigned(u, lock, graphs)
	open := func(name string) (registry.Target, error) {
		where, _ := to.Place(name)
		return e.Writable(where)
	}
	copying := transfer.CopyOptions{DryRun: m.dryRun, Events: transferEvent(u, "sending")}
	if m.hostTags {
		copying.HostTags = lock
	}
	done, err := transfer.Copy(ctx, graphs, from, open, copying)
	u.StopProgress()
	if err != nil && m.writeConfig {
		u.Warn("nothing was written to HOME/config.toml: not every driver has arrived")
	}
	if err != nil {
		return err
	}
	return printMirror(e, u, done, to, m)
}

// mirrorClient makes the client of this run one that reads no repository from
// the very target: what is missing there would seem to be missing everywhere. It
// reads the target itself from nowhere else. Other paths of the target's host stay
// the mirrors that they are.
func mirrorClient(e *env.Env, target string) error {
	below := func(name, prefix string) bool { return name == prefix || strings.HasPrefix(name, prefix+"/") }
	e.Carrying = true
	_, err := e.ClientWith(func(all []registry.Mirror) (others []registry.Mirror) {
		for _, m := range all {
			m.Targets = slices.DeleteFunc(slices.Clone(m.Targets), func(name string) bool { return below(name, target) })
			if !below(m.Prefix, target) && !below(target, m.Prefix) && len(m.Targets) > 0 {
				others = append(others, m)
			}
		}
		return others
	})
	return err
}
