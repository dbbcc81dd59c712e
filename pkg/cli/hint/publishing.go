package hint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// publishing are the errors of build, push, sign, tag and withdraw.
func publishing() section {
	return section{title: "Publishing", rows: []row{
		on(func(c Context, e *publish.SignError) []string {
			return append(For(c, e.Err), "then push again, with the same files and key: what was sent is kept")
		}),
		on(func(c Context, _ *publish.FileError) []string {
			return []string{"see what can be published, and how: " + c.Name + " push --help"}
		}),
		on(func(_ Context, _ *publish.PublishedError) []string {
			return []string{"publish a new version; whoever locked this one is refused other bytes, so use --force only if nobody uses it yet"}
		}, told("`is published already: …`", "Publish it as a new version. `--force` replaces it, and everybody who has locked it gets a mismatch", fault.Failure)),
		on(func(_ Context, e *registry.NotSupportedError) []string {
			if e.What != registry.Deletion {
				return nil
			}
			return []string{"delete the manifest by the registry's own means: its web page, or its command line"}
		}, told("`has no way to delete a manifest`", "`withdraw --undo` at a registry that has the referrers API and deletes nothing: delete the manifest by its own means", fault.Failure)),
		on(func(c Context, e *publish.RefusedError) []string {
			out := []string{"where the repository's tags never move, use one that is not there yet"}
			if e.Kind() == fault.Denied {
				out = append(For(c, e.Err), out...)
			}
			return out
		},
			told("`the registry does not let … move`", "A warning: the repository's tags never move, so the release is out and its floating tags stay behind. `push --no-floating-tags` does not try"),
			told("`…:TAG: PUT answered 4xx`, with the registry's words", "If the repository's tags never move, use one that is not there yet", fault.Failure, fault.Denied)),
		on(lintHints,
			told("`holds \"…\" as a link`, `holds both …`, `expands to more than 200 times its size`", "No sync would take the driver out of this archive: pack the driver alone, or push the executable", fault.Integrity),
			told("`version \"…\": is not X.Y.Z`, `is not a version constraint`, `is an engine that the driver … serves`", "Write it as the message says", fault.Usage),
			told("`is built with CGO_ENABLED=0, and … does not work without cgo`", "`plugin build NAME` compiles it with cgo", fault.Failure),
			told("`is for PLATFORM, not for …`, `is not executable`", "Publish the file that is meant; `chmod +x FILE`", fault.Failure)),
		on(compilerHints, told("`needs cgo, and there is no C compiler for …`", "Install what the hint names, or leave the platform out with `--platform`", fault.Failure)),
		on(func(c Context, e *publish.NoFilesError) []string {
			if e.Name == "" {
				return []string{"compile them first: " + c.Name + " build --all", "or name the folder: --dist DIR"}
			}
			return []string{
				"compile it first: " + c.Name + " build " + e.Name,
				fmt.Sprintf("or name the files: %s push %s VERSION --platform OS/ARCH=FILE", c.Name, e.Name),
			}
		}, told("`holds no schemahero-NAME-OS-ARCH.tar.gz`", "`plugin build NAME`, or name the files: `--platform OS/ARCH=FILE`", fault.Failure)),
		on(noDriverHints, told("`holds no Go program, so there is no driver`", "Check the name, or say `--source DIR`, which holds `plugins/NAME`", fault.Usage)),
		on(func(_ Context, _ *publish.NoVersionError) []string {
			return []string{"say it: build --version X.Y.Z, or push NAME X.Y.Z", "or write it into a file VERSION, or tag the commit: git tag v0.1.0"}
		}, told("`no version: there is no VERSION file`", "Say it: `plugin push NAME X.Y.Z`, `plugin build NAME --version X.Y.Z`; or write a VERSION file, or tag the commit", fault.Usage)),
		on(func(_ Context, e *publish.ToolError) []string {
			if e.Tool == "go" {
				return []string{"install Go: https://go.dev/dl, or on Debian: apt-get install golang"}
			}
			return []string{"install it, or add it to PATH"}
		}, told("`go: not found on PATH`", "Install Go", fault.Failure)),
	}}
}

func lintHints(c Context, e *publish.LintError) []string {
	var out []string
	for _, p := range e.Problems {
		text := ""
		switch p.Kind {
		case publish.ProblemStub:
			text = "compile it with cgo, which this does: " + c.Name + " build " + e.Name
		case publish.ProblemMode:
			text = "chmod +x " + c.Rel(p.Subject)
		}
		if text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	if e.Forcible() {
		out = append(out, "to publish it as it is: --force")
	}
	return out
}

func compilerHints(_ Context, e *publish.CompilerError) []string {
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

func noDriverHints(_ Context, e *publish.NoDriverError) []string {
	if near, ok := diag.Nearest(e.Name, e.Found); ok {
		return []string{fmt.Sprintf("did you mean %q?", near)}
	}
	if len(e.Found) > 0 {
		return []string{"there are: " + strings.Join(e.Found, " ")}
	}
	return []string{"say where the drivers' sources are: --source DIR, which holds plugins/NAME"}
}
