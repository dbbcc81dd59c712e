package author

import (
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// buildFlags are what build, and push --build, are told on the command line.
type buildFlags struct {
	all         bool
	install     bool
	source      string
	dist        string
	version     string
	compression string
	platforms   []string
}

func buildCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var b buildFlags
	cmd := e.Command(env.Command{
		Use:   "build NAME...|--all",
		Short: "Compile and pack drivers",
		Long: `Compiles plugins/NAME for each platform and writes the archive
dist/schemahero-NAME-OS-ARCH.tar.gz with its .sha256, which push publishes. The
same source gives the same archives wherever and whenever it is built.

The version is that of --version, else of the file plugins/NAME/VERSION or
VERSION, else of the git tag plugins/NAME/vX.Y.Z or vX.Y.Z; it is linked in as
main.version.

CGO_ENABLED is 0, unless the driver or a module in it needs C, as sqlite does.
Such a driver is linked statically on Linux, and compiled by what CC_OS_ARCH
names (CC_linux_arm64; CC for this machine's own platform), else by gcc or one
of Debian's cross compilers. Platforms without a compiler are listed with the
package to install, and are exit code 1 once the others are built.`,
		Examples: []env.Example{
			{"build postgres", "linux and darwin, amd64 and arm64"},
			{"build --all --platform linux/amd64 --platform linux/arm64", "every driver in plugins/, for two platforms"},
			{"build sqlite --platform linux/arm64 --version 0.2.0", "one archive, of a version told here"},
			{"build mysql --install", "and put this machine's into plugins/bin, where the host finds it"},
		},
		Complete: complete.Known(),
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case b.all && len(args) > 0:
				return hint.Usagef("--all and NAME: say one of them")
			case !b.all && len(args) == 0:
				return hint.Usagef("NAME is missing: name a driver, or say --all")
			}
			return nil
		},
		Run: func(cmd *cobra.Command, args []string) error {
			o, err := buildOptions(e, u, args, b)
			if err != nil {
				return err
			}
			built, err := publish.Build(cmd.Context(), o)
			switch {
			case err == nil:
				return u.Print(builtView(u, built))
			case len(built) > 0:
				// What is there is told, though another platform lacks its compiler.
				tellDone(u, builtView(u, built))
			}
			return err
		},
	})
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		names, _ := publish.ListDrivers(e.Abs(b.source)) // none to offer if it cannot be read
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	f := cmd.Flags()
	f.BoolVar(&b.all, "all", false, "every driver found in plugins/")
	f.BoolVar(&b.install, "install", false, "also put the executable for this machine into plugins/bin")
	f.StringArrayVar(&b.platforms, "platform", nil, "OS/ARCH; may be repeated (default: linux and darwin, amd64 and arm64)")
	f.StringVar(&b.source, "source", ".", "the tree that holds plugins/NAME")
	f.StringVar(&b.dist, "dist", "dist", "where the archives go")
	f.StringVar(&b.version, "version", "", "X.Y.Z (default: a VERSION file, else the git tag)")
	f.StringVar(&b.compression, "compression", "gzip", "gzip, or zstd (which the host's own download cannot read)")
	return cmd
}

// buildOptions are what the flags say of the drivers to build.
func buildOptions(e *env.Env, u *ui.UI, names []string, b buildFlags) (o publish.BuildOptions, err error) {
	o = publish.BuildOptions{
		Source: e.Abs(b.source), Dist: e.Abs(b.dist), Version: b.version,
		Host: e.Platform, Env: e.Environ(), Events: told(u),
	}
	if o.Compression, err = pack.ParseCompression(b.compression); err != nil {
		return o, hint.Usage(err)
	}
	if o.Platforms, err = e.ParsePlatforms(b.platforms); err != nil {
		return o, err
	}
	if len(o.Platforms) == 0 {
		o.Platforms = publish.DefaultPlatforms()
	}
	if b.install {
		o.Install = filepath.Join(e.Directory, "plugins", "bin")
		if !slices.Contains(o.Platforms, o.Host) {
			o.Platforms = append(o.Platforms, o.Host)
		}
	}
	for _, n := range names {
		if !slices.Contains(o.Names, n) {
			o.Names = append(o.Names, n)
		}
	}
	if b.all {
		if o.Names, err = publish.ListDrivers(o.Source); err != nil {
			return o, err
		}
		if len(o.Names) == 0 {
			return o, hint.Usagef("%s: holds no driver, no folder plugins/NAME with a Go program", o.Source)
		}
	}
	return o, nil
}

// builtItem is an item of a BuildList: a driver built for a platform.
type builtItem struct {
	Name       string `json:"name" col:"NAME,name"`
	Version    string `json:"version" col:"VERSION"`
	Platform   string `json:"platform" col:"PLATFORM"`
	Size       int64  `json:"size" col:"SIZE,bytes"`
	Digest     string `json:"digest" col:"DIGEST"`
	Compiler   string `json:"compiler" col:"+COMPILER"`
	Path       string `json:"path" col:"+PATH,path"`
	Executable string `json:"executable"`
	Installed  string `json:"installed"`
}

func builtView(u *ui.UI, built []publish.Built) ui.View {
	var items []builtItem
	for _, b := range built {
		items = append(items, builtItem{b.Name, b.Version, b.Platform.String(), b.Size, string(b.Digest), b.Compiler, b.Path, string(b.Executable), b.Installed})
	}
	v := ui.List("BuildList", "build", items)
	v.Text = func(w ui.Lines) {
		for _, b := range built {
			w.Line("%s %s %s %s %s", b.Name, b.Version, u.Rel(b.Path), ui.Bytes(b.Size), b.Digest)
			if b.Installed != "" {
				w.Line("%s %s installed as %s", b.Name, b.Version, u.Rel(b.Installed))
			}
		}
	}
	return v
}
