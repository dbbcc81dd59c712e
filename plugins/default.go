package plugins

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// DefaultOptions returns the options of this user on this machine, for programs
// that embed the package: the home in SCHEMAHERO_PLUGIN_HOME or ~/.schemahero,
// the credentials of docker and podman, the proxies of the environment, and the
// registry that SCHEMAHERO_PLUGIN_REGISTRY names. It is the one function here
// that reads the environment. The home's config.toml (mirrors, certificates)
// is the command line's, and not read.
func DefaultOptions() (Options, error) {
	user, err := os.UserHomeDir()
	home := os.Getenv("SCHEMAHERO_PLUGIN_HOME")
	if home == "" {
		if err != nil {
			return Options{}, err
		}
		home = filepath.Join(user, ".schemahero")
	}
	if home, err = filepath.Abs(home); err != nil {
		return Options{}, err
	}
	client, err := registry.New(registry.Options{
		CacheDir:    filepath.Join(home, "cache", "manifests"),
		Credentials: registry.Conventional(os.Getenv, user, os.Getuid()),
		Proxy:       http.ProxyFromEnvironment,
		Offline:     IsSet(os.Getenv("SCHEMAHERO_PLUGIN_OFFLINE")),
	})
	return Options{
		Home:     home,
		Platform: artifact.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH},
		Registry: client,
		Override: os.Getenv("SCHEMAHERO_PLUGIN_REGISTRY"),
	}, err
}

// IsSet reads the value of an environment variable that is a switch: empty, 0,
// false, f, no, n and off are not set, in any case, and every other word is.
func IsSet(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "0", "false", "f", "no", "n", "off":
		return false
	}
	return true
}
