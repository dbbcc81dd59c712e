package author

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

// release is what the flags say of a release, whatever its driver.
func release(e *env.Env, p pushFlags) (r publish.Release, err error) {
	r.HostConstraint = p.host
	var problems [4]error // told at once
	r.Created, problems[0] = created(e)
	r.Compressions, problems[1] = pack.ParseCompressions(p.compression)
	r.Annotations, problems[2] = pairs("annotation", p.annotations)
	r.Requires, problems[3] = pairs("requires", p.requires)
	problems[1] = hint.Usage(problems[1])
	return r, errors.Join(problems[:]...)
}

// toPush finds the releases that a command line means. Beside them is what
// went wrong with others, where it means all.
func toPush(ctx context.Context, e *env.Env, u *ui.UI, name, version string, base publish.Release, p pushFlags) ([]publish.Release, error) {
	if p.build {
		return buildToPush(ctx, e, u, name, version, base, p)
	}
	names := []string{name}
	if name == everyDriver {
		if len(p.platforms) > 0 {
			return nil, hint.Usagef("--platform: names the file of one driver, not of all")
		}
		var err error
		if names, err = publish.ListDist(e.Abs(p.dist)); err != nil {
			return nil, err
		}
	}
	var out []publish.Release
	var failed []error
	for _, n := range names {
		r := base
		r.Name, r.Version = n, version
		var err error
		if r.Version == "" {
			r.Version, err = publish.VersionOf(ctx, e.Abs(p.source), n, e.Environ())
		}
		if err == nil {
			r.Files, err = pushFiles(e, n, p)
		}
		if err != nil {
			failed = append(failed, err)
			if len(r.Files) > 0 {
				failed = append(failed, publish.Lint(ctx, r, publishOptions(e, u, nil, p)))
			}
			continue
		}
		out = append(out, r)
	}
	return out, errors.Join(failed...)
}

// buildToPush compiles what is then published: that and no older archive that
// lies beside it. A platform that could not be built stops the release of its
// driver.
func buildToPush(ctx context.Context, e *env.Env, u *ui.UI, name, version string, base publish.Release, p pushFlags) ([]publish.Release, error) {
	if i := slices.IndexFunc(p.platforms, func(s string) bool { return strings.Contains(s, "=") }); i >= 0 {
		return nil, hint.Usagef("--platform %s: with --build write OS/ARCH alone", p.platforms[i])
	}
	packed := string(base.Compressions[0]) // push packs again
	b := buildFlags{source: p.source, dist: p.dist, version: version, compression: packed, platforms: p.platforms}
	var names []string
	if b.all = name == everyDriver; !b.all {
		names = []string{name}
	}
	o, err := buildOptions(e, u, names, b)
	if err != nil {
		return nil, err
	}
	built, err := publish.Build(ctx, o)
	var out []publish.Release
	for _, b := range built { // sorted by name
		if len(out) == 0 || out[len(out)-1].Name != b.Name {
			r := base
			r.Name, r.Version, r.Files = b.Name, b.Version, map[artifact.Platform]string{}
			out = append(out, r)
		}
		out[len(out)-1].Files[b.Platform] = b.Path
	}
	return slices.DeleteFunc(out, func(r publish.Release) bool { return len(r.Files) < len(o.Platforms) }), err
}

func pushFiles(e *env.Env, name string, p pushFlags) (map[artifact.Platform]string, error) {
	if len(p.platforms) == 0 {
		return publish.FromDist(e.Abs(p.dist), name)
	}
	files := map[artifact.Platform]string{}
	var wrong []error
	for _, s := range p.platforms {
		text, file, ok := strings.Cut(s, "=")
		platform, err := e.ParsePlatform(text)
		switch {
		case !ok || file == "":
			wrong = append(wrong, hint.Usagef("--platform %s: write OS/ARCH=FILE", s))
		case err != nil:
			wrong = append(wrong, hint.Usage(err))
		case files[platform] != "":
			wrong = append(wrong, hint.Usagef("--platform %s: is named twice", platform))
		default:
			files[platform] = e.Abs(file)
		}
	}
	return files, errors.Join(wrong...)
}

// lastSecond is the end of the year 9999, the last that RFC 3339 can write.
const lastSecond = 253402300799

// created is when a release was made: SOURCE_DATE_EPOCH if it is set
// (https://reproducible-builds.org/specs/source-date-epoch), else now.
func created(e *env.Env) (time.Time, error) {
	epoch := e.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return e.Now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return time.Time{}, hint.Usagef("SOURCE_DATE_EPOCH %q: is not a number of seconds from 0 to %d, the year 9999", epoch, int64(lastSecond))
	}
	return time.Unix(seconds, 0), nil
}

// pairs reads the values of a flag, KEY=VALUE; none are nil.
func pairs(flag string, list []string) (map[string]string, error) {
	var out map[string]string
	for _, s := range list {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, hint.Usagef("--%s %q: write KEY=VALUE", flag, s)
		}
		if _, twice := out[key]; twice {
			return nil, hint.Usagef("--%s %s: is given twice", flag, key)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = value
	}
	return out, nil
}
