package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionInfo is what `version` prints.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
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
			return a.print(view{
				object:  newSingle("Version", info),
				names:   []string{a.Version},
				columns: cols("VERSION", "REVISION", "GO", "PLATFORM"),
				rows:    [][]any{{info.Version, info.Revision, info.Go, info.Platform}},
				text:    func(w io.Writer) { fmt.Fprintln(w, info.Version) },
			})
		})
}
