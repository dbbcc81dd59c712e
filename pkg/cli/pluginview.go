package cli

import (
	"runtime"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func hostPlatform() artifact.Platform {
	return artifact.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
}

// parseMachine reads a platform as a person types it: an architecture alone is
// this operating system's.
func parseMachine(s string) (artifact.Platform, error) {
	if !strings.Contains(s, "/") && s != "" {
		if p, err := artifact.ParseMachine(runtime.GOOS + "/" + s); err == nil {
			return p, nil
		}
	}
	return artifact.ParseMachine(s)
}
