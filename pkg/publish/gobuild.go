package publish

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// staticTags leave out of a program with cgo what would need the C library at
// run time: its resolver, its user database, and SQLite's loading of
// extensions.
const staticTags = "netgo,osusergo,sqlite_omit_load_extension"

// goEnv returns env with Go's variables set for a platform. What the caller's
// environment says of the target is not meant for it.
func goEnv(env []string, p artifact.Platform) []string {
	env = append(system.Unset(env, "GOOS", "GOARCH", "GOARM", "GOARM64", "GOAMD64", "CGO_ENABLED", "CC"),
		"GOOS="+p.OS, "GOARCH="+p.Arch)
	switch {
	case p.Variant == "":
	case p.Arch == "arm":
		env = append(env, "GOARM="+strings.TrimPrefix(p.Variant, "v"))
	case p.Arch == "arm64":
		env = append(env, "GOARM64="+p.Variant+".0")
	case p.Arch == "amd64":
		env = append(env, "GOAMD64="+p.Variant)
	}
	return env
}

// needsCgo reports whether a driver has files in C for a platform, in itself or
// in a module that it uses. The standard library's do not count: Go has its
// own in their place.
func needsCgo(ctx context.Context, dir string, p artifact.Platform, env []string) (bool, error) {
	out, err := run(ctx, dir, append(goEnv(env, p), "CGO_ENABLED=1"), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.CgoFiles}}{{end}}", ".")
	if err != nil {
		return false, err
	}
	return strings.Trim(out, "[] \t\r\n") != "", nil
}

// goBuild compiles the program in dir to the file out. With cc it is built
// with cgo, and on Linux linked statically, so that it needs no C library
// where it runs.
func goBuild(ctx context.Context, dir, out, version string, p artifact.Platform, cc string, env []string) error {
	out, err := filepath.Abs(out) // go build runs in dir
	if err != nil {
		return err
	}
	env = append(goEnv(env, p), "CGO_ENABLED=0")
	args := []string{"build", "-trimpath", "-buildvcs=false", "-o", out}
	flags := "-s -w -X main.version=" + version
	if cc != "" {
		env = append(env, "CGO_ENABLED=1", "CC="+cc) // the last one counts
		if p.OS == "linux" {
			tags, err := userTags(ctx, dir, env)
			if err != nil {
				return err
			}
			args = append(args, "-tags", strings.Join(append(tags, staticTags), ","))
			flags += " -linkmode external -extldflags -static"
		}
	}
	_, err = run(ctx, dir, env, "go", append(args, "-ldflags", flags, ".")...)
	return err
}

// userTags returns the build tags of GOFLAGS, which -tags would put out of
// force.
func userTags(ctx context.Context, dir string, env []string) (tags []string, err error) {
	flags, err := run(ctx, dir, env, "go", "env", "GOFLAGS")
	if err != nil {
		return nil, err
	}
	for f := range strings.FieldsSeq(flags) {
		if list, ok := strings.CutPrefix(strings.TrimLeft(strings.Trim(f, `'"`), "-"), "tags="); ok {
			tags = strings.Split(list, ",") // the last counts, as for the Go command
		}
	}
	return tags, nil
}
