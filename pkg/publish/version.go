package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// NoVersionError says that nothing states a driver's version.
type NoVersionError struct {
	Name string
	Dir  string
}

func (e *NoVersionError) Error() string {
	return fmt.Sprintf("%s: no version: there is no VERSION file in %s or above, and no git tag of the form vX.Y.Z", e.Name, e.Dir)
}

func (e *NoVersionError) Kind() fault.Kind { return fault.Usage }

// VersionOf finds a driver's version, without a leading v: what stands in
// source/plugins/NAME/VERSION, else in source/VERSION, else what the nearest git
// tag plugins/NAME/vX.Y.Z says (as Go names the versions of a module in a
// folder), and if the driver has none of its own, vX.Y.Z or X.Y.Z. Tags that
// are no version, such as v1, are passed over. A commit behind its tag is a
// prerelease of it, like 0.1.2-3-g4f2a9c1. env is the environment of git.
// Errors: *FileError, *NoVersionError, the disk's, the context's.
func VersionOf(ctx context.Context, source, name string, env []string) (string, error) {
	dir := driverDir(source, name)
	for _, file := range []string{filepath.Join(dir, "VERSION"), filepath.Join(source, "VERSION")} {
		data, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		text := strings.TrimSpace(string(diag.UTF8(data))) // PowerShell's > writes UTF-16
		v, err := parseVersion(text)
		if err != nil {
			return "", &FileError{file, fmt.Sprintf("holds %q, which is not X.Y.Z[-pre][+build]", text)}
		}
		return v.String(), nil
	}
	own := "plugins/" + name + "/"
	for _, tags := range []gitTags{{own, []string{own + "v[0-9]*"}}, {"", []string{"v[0-9]*", "[0-9]*"}}} {
		version := tags.describe(ctx, dir, env)
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if version != "" {
			return version, nil
		}
	}
	return "", &NoVersionError{name, dir}
}

// gitTags are the tags that may name versions: those that match one of the
// patterns, as the prefix and a version.
type gitTags struct {
	prefix   string
	patterns []string
}

// maxTagged is how many commits are looked at whose tags look like versions and
// are none.
const maxTagged = 100

// describe says what the commit that is checked out is by its nearest tag; ""
// if there is none, and no git.
func (g gitTags) describe(ctx context.Context, dir string, env []string) string {
	args := []string{"describe", "--tags", "--long"}
	for _, p := range g.patterns {
		args = append(args, "--match", p)
	}
	for range maxTagged {
		// TAG-N-gCOMMIT: the commit and N more behind the tag.
		out, err := run(ctx, dir, env, "git", args...)
		if err != nil {
			return ""
		}
		text := strings.TrimSpace(out)
		commit := strings.LastIndexByte(text, '-')
		if commit < 0 {
			return ""
		}
		behind := strings.LastIndexByte(text[:commit], '-')
		if behind < 0 {
			return ""
		}
		tag, suffix := text[:behind], text[behind+1:]
		// Beside it can stand others, as v1 that moves along with each v1.Y.Z.
		if out, err = run(ctx, dir, env, "git", "tag", "--points-at", "refs/tags/"+tag+"^{commit}"); err != nil {
			return ""
		}
		names := strings.Fields(out)
		if v := g.highest(names); v != nil && strings.HasPrefix(suffix, "0-") {
			return v.String()
		} else if v != nil {
			// Build metadata would hide that it is another version than the tag's.
			plain, _ := v.SetMetadata("")
			return plain.String() + "-" + suffix
		}
		for _, n := range append(names, tag) {
			args = append(args, "--exclude", n)
		}
	}
	return ""
}

// highest returns the highest of the versions that tags name; nil where none
// does.
func (g gitTags) highest(tags []string) (highest *semver.Version) {
	for _, t := range tags {
		text, ok := strings.CutPrefix(t, g.prefix)
		if v, err := parseVersion(text); ok && err == nil && (highest == nil || v.GreaterThan(highest)) {
			highest = v
		}
	}
	return highest
}
