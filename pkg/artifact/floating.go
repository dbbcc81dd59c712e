package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// FloatingTags returns those of X.Y, X and latest that belong to a version, given
// all tags of the repository: X.Y belongs to the highest version of X.Y, X to
// that of X, and latest to that of all. Prereleases have none and count for
// none. Equal precedence is decided as it is when releases are chosen.
func FloatingTags(tags []string, v *semver.Version) (out []string) {
	if v.Prerelease() != "" {
		return nil
	}
	for _, f := range floatingOf(append([]string{VersionTag(v)}, tags...)) {
		if f.of.Version.String() == v.String() {
			out = append(out, f.tag)
		}
	}
	return out
}

// floatingTag is a tag that the versions of a repository should have.
type floatingTag struct {
	tag string
	of  Candidate
	as  string // the tag of that version whose manifest it names; "" if only platforms have tags
}

// floatingOf returns all floating tags of the versions among tags, the highest
// version's first, of each X.Y before X before latest.
func floatingOf(tags []string) (out []floatingTag) {
	seen := map[string]bool{}
	for _, c := range Candidates(tags) { // highest first
		if c.Version.Prerelease() != "" {
			continue
		}
		x := strconv.FormatUint(c.Version.Major(), 10)
		for _, tag := range []string{x + "." + strconv.FormatUint(c.Version.Minor(), 10), x, "latest"} {
			if !seen[tag] {
				seen[tag] = true
				out = append(out, floatingTag{tag, c, c.Tag})
			}
		}
	}
	return out
}

// HostTags returns the tags under which SchemaHero's host asks for a version where
// it was told of a registry: X.Y.Z-ARCH, and of X.Y-ARCH and X-ARCH those that
// belong to the version. It asks for Linux alone.
func HostTags(tags []string, v *semver.Version, p Platform) []string {
	if p.OS != "linux" || p.Variant != "" {
		return nil
	}
	out := []string{VersionTag(v) + "-" + p.Arch}
	for _, tag := range FloatingTags(tags, v) {
		if tag != "latest" {
			out = append(out, tag+"-"+p.Arch)
		}
	}
	return out
}

// hostsOf returns those of the host's floating tags that a repository has: nobody
// misses the others, and each names one platform of the version.
func hostsOf(tags []string, all []floatingTag) (out []floatingTag) {
	for _, f := range all {
		for _, p := range f.of.Platforms {
			tag := f.tag + "-" + p.Platform.Arch
			if f.tag != "latest" && p.Platform.OS == "linux" && p.Platform.Variant == "" && slices.Contains(tags, tag) {
				out = append(out, floatingTag{tag, f.of, p.Tag})
			}
		}
	}
	return out
}

// CutHostTag splits the -ARCH off a tag of the host: 0-amd64, 0.1.2-arm64.
func CutHostTag(tag string) (before string, ok bool) {
	at := strings.LastIndexByte(tag, '-')
	if at < 0 || !knownWord(knownArch, tag[at+1:]) {
		return tag, false
	}
	return tag[:at], true
}

// Stray is a floating tag that does not name what the published versions say that
// it should.
type Stray struct {
	Tag     string
	Version string        // whose it should be
	Of      string        // the tag of that version
	Now     digest.Digest // what it names; "" where it is missing
	Want    digest.Digest
}

// String returns a sentence about the tag.
func (s Stray) String() string {
	if s.Now == "" {
		return fmt.Sprintf("tag %s is missing: %s is the highest version of it", s.Tag, s.Version)
	}
	return fmt.Sprintf("tag %s names %s: %s, which is the highest version of it, is %s", s.Tag, s.Now, s.Version, s.Want)
}

// maxFloating is how many floating tags are looked at, those of the highest
// versions first.
const maxFloating = 100

// Strays returns the floating tags among a repository's tags that are wrong, and
// those that are missing where others are there: who sets none wants none. It asks
// what each names, without fetching it. Errors: the Reader's.
func Strays(ctx context.Context, r Reader, tags []string) ([]Stray, error) {
	all := floatingOf(tags)
	if !slices.ContainsFunc(all, func(f floatingTag) bool { return slices.Contains(tags, f.tag) }) {
		return nil, nil
	}
	return strays(ctx, r, tags, all)
}

// AllStrays is Strays with all that are missing, whether any is there or not.
func AllStrays(ctx context.Context, r Reader, tags []string) ([]Stray, error) {
	return strays(ctx, r, tags, floatingOf(tags))
}

func strays(ctx context.Context, r Reader, tags []string, all []floatingTag) ([]Stray, error) {
	all = append(all, hostsOf(tags, all)...)
	all = slices.DeleteFunc(all, func(f floatingTag) bool { return f.as == "" })
	all = all[:min(len(all), maxFloating)]
	found := make([]Stray, len(all))
	names := func(tag string) (digest.Digest, error) {
		desc, err := r.Resolve(ctx, tag)
		if errors.Is(err, ErrNotFound) {
			return "", nil
		}
		return desc.Digest, err
	}
	err := parallel.Each(ctx, len(all), most, func(i int) (err error) {
		s := Stray{Tag: all[i].tag, Version: all[i].of.Version.String(), Of: all[i].as}
		if s.Want, err = names(s.Of); err != nil {
			return err
		}
		s.Now, err = names(s.Tag)
		found[i] = s
		return err
	})
	found = slices.DeleteFunc(found, func(s Stray) bool { return s.Want == "" || s.Now == s.Want })
	slices.SortFunc(found, func(a, b Stray) int { return cmp.Compare(a.Tag, b.Tag) })
	return found, err
}
