package shell

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// versionInfo is what `version` prints.
type versionInfo struct {
	Version  string `json:"version" col:"VERSION"`
	Revision string `json:"revision" col:"REVISION"`
	Go       string `json:"go" col:"GO"`
	Platform string `json:"platform" col:"PLATFORM"`
}

func versionCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Command(env.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Long: `Prints the version, and with -o json also the revision that it was built from,
the Go version and the platform.`,
		Examples: []env.Example{
			{"version", "the version"},
			{"version -o json", "with revision, Go version and platform"},
			{"version -o jsonpath='{.spec.platform}'", "one field"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run: func(*cobra.Command, []string) error {
			info := versionInfo{Version: e.Version, Revision: e.Revision, Go: runtime.Version(), Platform: e.Platform.String()}
			if build, ok := debug.ReadBuildInfo(); ok && info.Revision == "" {
				for _, s := range build.Settings {
					if s.Key == "vcs.revision" {
						info.Revision = s.Value
					}
				}
			}
			v := ui.Single("Version", "version", e.Version, info)
			v.Text = func(w ui.Lines) { w.Line("%s", info.Version) }
			return u.Print(v)
		},
	})
}
