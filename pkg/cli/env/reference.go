package env

import (
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// SplitReference splits HOST/PATH:TAG or HOST/PATH@DIGEST. Neither means latest.
func SplitReference(ref string) (repository, reference string, err error) {
	if r, d, ok := strings.Cut(ref, "@"); ok {
		if d == "" {
			return "", "", hint.Usagef("REF %q: the digest after @ is missing", ref)
		}
		// As docker does: beside a digest a tag says nothing.
		if colon := strings.LastIndex(r, ":"); colon > strings.LastIndex(r, "/") && strings.Contains(r, "/") {
			r = r[:colon]
		}
		return r, d, nil
	}
	colon := strings.LastIndex(ref, ":")
	if colon < 0 || strings.Contains(ref[colon:], "/") {
		if !strings.Contains(ref, "/") {
			return "", "", hint.Usagef("REF %q: write HOST/PATH:TAG", ref)
		}
		return ref, "latest", nil
	}
	if !artifact.IsTag(ref[colon+1:]) {
		return "", "", hint.Usagef("REF %q: %q is not a tag", ref, ref[colon+1:])
	}
	return ref[:colon], ref[colon+1:], nil
}

// DriverArg reads NAME[@CONSTRAINT]; the constraint is "" if there is none.
func DriverArg(arg string) (name, constraint string, err error) {
	name, constraint, given := strings.Cut(arg, "@")
	if err := artifact.CheckName(name); err != nil {
		return "", "", hint.Usage(err)
	}
	switch {
	case !given:
		return name, "", nil
	case constraint == "":
		return "", "", hint.Usagef("%s: the constraint after @ is missing", arg)
	case constraint == "latest":
		return "", "", hint.Usagef("%s: latest is not a constraint: write %s@'*' for any release, or in a manifest { tag = \"latest\" } for the tag", arg, name)
	}
	if _, err := manifest.ParseConstraint(constraint); err != nil {
		return "", "", hint.Usage(fmt.Errorf("%s: %w", name, err))
	}
	return name, constraint, nil
}
