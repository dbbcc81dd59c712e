package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
)

// inspect says what is wrong with an executable for a platform, from its
// headers. subject is what the user calls it.
func inspect(executable, subject string, p artifact.Platform) []Problem {
	info, err := probe.Inspect(executable)
	switch {
	case err != nil:
		return []Problem{{ProblemFormat, subject, strings.TrimPrefix(err.Error(), executable+": ")}}
	case info.OS == "":
		return []Problem{{ProblemFormat, subject, "is in no known format of executables"}}
	}
	var out []Problem
	if !serves(info, p) {
		out = append(out, Problem{ProblemPlatform, subject, fmt.Sprintf("is for %s, not for %s", info.Platform(), p)})
	}
	if module := info.Stub(); module != "" {
		out = append(out, Problem{ProblemStub, subject, "is built with CGO_ENABLED=0, and " + module + " in it does not work without cgo"})
	}
	return out
}

// serves holds the header against the claim. Some systems' executables bear
// the same header as Linux's.
func serves(info probe.Info, p artifact.Platform) bool {
	os := p.OS
	switch os {
	case "android", "dragonfly", "illumos", "solaris":
		if info.OS == "linux" {
			os = "linux"
		}
	}
	return info.Serves(os, p.Arch)
}

// handshake runs an executable and says why it does not answer as the driver
// name. The error is the context's.
func handshake(ctx context.Context, executable, subject, name string) ([]Problem, error) {
	id, err := probe.Identify(ctx, executable)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil, ctx.Err()
	}
	if err != nil {
		return []Problem{{ProblemHandshake, subject, strings.TrimPrefix(err.Error(), executable+": ")}}, nil
	}
	if id.Name != name {
		return []Problem{{ProblemHandshake, subject, fmt.Sprintf("answers as the driver %q", id.Name)}}, nil
	}
	return nil, nil
}
