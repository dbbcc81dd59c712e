package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// publishHints are those of build, push and tag.
func (a *app) publishHints(err error) []string {
	me := a.displayName()
	var (
		published *publish.PublishedError
		lint      *publish.LintError
		compiler  *publish.CompilerError
		noFiles   *publish.NoFilesError
		noDriver  *publish.NoDriverError
		noVersion *publish.NoVersionError
		tool      *publish.ToolError
		unsigned  *publish.SignError
		refused   *publish.RefusedError
	)
	switch {
	case errors.As(err, &unsigned):
		return append(a.hints(unsigned.Err), "then push again, with the same files and key: what was sent is kept")
	case errors.As(err, &published):
		return []string{"publish it as a new version; who has locked this one is refused other bytes, so --force is for what nobody has taken yet"}
	case errors.As(err, &refused):
		out := []string{"where the repository's tags never move, use one that is not there yet"}
		if errors.As(err, new(*registry.AuthError)) {
			out = append(a.networkHints(refused.Err), out...)
		}
		return out
	case errors.As(err, &lint):
		return a.lintHints(lint)
	case errors.As(err, &compiler):
		return compilerHints(compiler)
	case errors.As(err, &noFiles):
		if noFiles.Name == "" {
			return []string{"compile them first: " + me + " build --all", "or name the folder: --dist DIR"}
		}
		return []string{
			"compile it first: " + me + " build " + noFiles.Name,
			fmt.Sprintf("or name the files: %s push %s VERSION --platform OS/ARCH=FILE", me, noFiles.Name),
		}
	case errors.As(err, &noDriver):
		return noDriverHints(noDriver)
	case errors.As(err, &noVersion):
		return []string{"say it: build --version X.Y.Z, or push NAME X.Y.Z", "or write it into a file VERSION, or tag the commit: git tag v0.1.0"}
	case errors.As(err, &tool) && tool.Tool == "go":
		return []string{"install Go: https://go.dev/dl, or on Debian: apt-get install golang"}
	case errors.As(err, &tool):
		return []string{"install it, or say a path on which it is"}
	}
	return nil
}

func (a *app) lintHints(e *publish.LintError) []string {
	var out []string
	for _, p := range e.Problems {
		hint := ""
		switch p.Kind {
		case publish.ProblemStub:
			hint = "compile it with cgo, which this does: " + a.displayName() + " build " + e.Name
		case publish.ProblemMode:
			hint = "chmod +x " + a.ui.Rel(p.Subject)
		}
		if hint != "" && !slices.Contains(out, hint) {
			out = append(out, hint)
		}
	}
	if e.Forcible() {
		out = append(out, "to publish it as it is: --force")
	}
	return out
}

// another puts better hints to a release of --from that is not what it was taken
// for: nothing was to be installed.
func (a *app) another(err error, from string) error {
	if errors.As(err, new(*artifact.FormatError)) {
		return &advised{err, []string{"see what is there: " + a.displayName() + " inspect " + from, "check --from, and NAME where it was given: it is the driver's"}}
	}
	return online(err)
}

func compilerHints(e *publish.CompilerError) []string {
	var packages, platforms, out []string
	for _, m := range e.Missing {
		if m.Package != "" && !slices.Contains(packages, m.Package) {
			packages = append(packages, m.Package)
		}
		if p := m.Platform.String(); !slices.Contains(platforms, p) {
			platforms = append(platforms, p)
			if m.Package == "" {
				out = append(out, fmt.Sprintf("name a compiler for %s in %s, or build it on such a machine", p, m.Variable))
			}
		}
	}
	if len(packages) > 0 {
		out = slices.Insert(out, 0, "on Debian: apt-get install "+strings.Join(packages, " "))
	}
	return append(out, "or leave "+strings.Join(platforms, " and ")+" out: name the others with --platform")
}

func noDriverHints(e *publish.NoDriverError) []string {
	if near, ok := diag.Nearest(e.Name, e.Found); ok {
		return []string{fmt.Sprintf("did you mean %q?", near)}
	}
	if len(e.Found) > 0 {
		return []string{"there are: " + strings.Join(e.Found, " ")}
	}
	return []string{"say where the drivers' sources are: --source DIR, which holds plugins/NAME"}
}
