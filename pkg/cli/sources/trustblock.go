package sources

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
)

// trustBlock returns the trust table that would accept what was found, "" where
// nothing could be accepted. One scope has one table: who else signed stands in
// it as a comment, but keys that verified, of which a table lists several.
func trustBlock(e *env.Env, repository string, found []trust.Finding, rule func(trust.Finding) *policy.Rule) string {
	var keys, lines []string // files of keys that verified; whole lines of everybody else
	verified := 0            // of lines
	for _, f := range found {
		s := f.Signer
		if s.IsZero() || f.Form == trust.FormOther || f.Reason != "" && f.Reason != trust.OtherSigner {
			continue
		}
		r := rule(f)
		line := keylessLine(e, f, r)
		if s.Key != "" {
			file := keyFile(e, s.Key, r)
			if f.Verified && file != "" {
				keys = append(keys, diag.Quote(file))
				continue
			}
			line = fmt.Sprintf("keys = [\"FILE\"]   # the public key with fingerprint %s", s.Key)
		}
		if slices.Contains(lines, line) {
			continue
		}
		if f.Verified {
			lines = slices.Insert(lines, verified, line)
			verified++
		} else {
			lines = append(lines, line)
		}
	}
	if len(keys) > 0 {
		slices.Sort(keys)
		lines = slices.Insert(lines, 0, "keys = ["+strings.Join(slices.Compact(keys), ", ")+"]")
	}
	if len(lines) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "[[trust]]\nscope = %s\n%s\n", diag.Quote(repository), lines[0])
	for _, line := range lines[1:] {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	return b.String()
}

func keylessLine(e *env.Env, f trust.Finding, r *policy.Rule) string {
	text := fmt.Sprintf("keyless = { issuer = %s, identity = %s", diag.Quote(f.Signer.Issuer), diag.Quote(f.Signer.Identity))
	switch {
	case r != nil && r.Keyless != nil && r.Keyless.TrustedRoot != "":
		text += ", trusted-root = " + diag.Quote(besideManifest(e, r.Keyless.TrustedRoot)) + " }"
	case !f.Verified && f.Reason == "":
		text += " }   # not verified; a private Sigstore needs its trusted-root = \"FILE\" too"
	default:
		text += " }"
	}
	return text
}

// keyFile returns the file of a key that a rule lists, "" for one that it does
// not.
func keyFile(e *env.Env, print string, r *policy.Rule) string {
	if r == nil {
		return ""
	}
	if i := slices.Index(r.Fingerprints, print); i >= 0 {
		return besideManifest(e, r.Keys[i])
	}
	return ""
}

// besideManifest returns a path as a manifest here would name it.
func besideManifest(e *env.Env, path string) string {
	dir := e.Directory
	if file, err := e.ManifestFile(); err == nil {
		dir = filepath.Dir(file)
	}
	if r, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(r) {
		return filepath.ToSlash(r)
	}
	return filepath.ToSlash(path)
}
