package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// versionInfo is what `version` prints.
type versionInfo struct {
	Version  string `json:"version" col:"VERSION"`
	Revision string `json:"revision" col:"REVISION"`
	Go       string `json:"go" col:"GO"`
	Platform string `json:"platform" col:"PLATFORM"`
}

func (a *app) versionCommand() *cobra.Command {
	return a.command("version", "Print the version of this program",
		`Prints the version, and with -o json also the revision that it was built from,
the Go version and the platform.`,
		examples(
			"version", "the version",
			"version -o json", "with revision, Go version and platform",
			"version -o jsonpath='{.spec.platform}'", "one field"),
		none, func(*cobra.Command, []string) error {
			info := versionInfo{Version: a.Version, Revision: a.Revision, Go: runtime.Version(), Platform: hostPlatform().String()}
			if build, ok := debug.ReadBuildInfo(); ok && info.Revision == "" {
				for _, s := range build.Settings {
					if s.Key == "vcs.revision" {
						info.Revision = s.Value
					}
				}
			}
			v := ui.Single("Version", "version", a.Version, info)
			v.Text = func(w ui.Lines) { w.Line("%s", info.Version) }
			return a.ui.Print(v)
		})
}
