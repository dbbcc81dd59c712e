package policy

import (
	"net/url"
	"path"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// Provenance is the predicate type of SLSA's and GitHub's build provenance
// (https://slsa.dev/spec/v1.0/provenance).
const Provenance = "https://slsa.dev/provenance/v1"

// Decode reads the value of `trust`, a list of `[[trust]]` tables, as it stands
// in a manifest and in a config alike; nil is no rules. What is wrong becomes
// problems of the document, and a rule with a problem is left out. Paths of
// files are relative to the document's folder, and key files are read.
func Decode(trust *diag.Value) Policy {
	var p Policy
	lines := map[string]int{}
	for _, t := range trust.AsTables() {
		doc := t.Document()
		p.File = doc.File
		r, ok := decodeRule(t)
		if r.Scope == "" {
			continue
		}
		scope := oneHost(r.Scope)
		if line, twice := lines[scope]; twice {
			t.Get("scope").Problem("%q has a rule already, in line %d", r.Scope, line)
			continue
		}
		lines[scope] = r.Pos.Line
		if ok {
			p.Rules = append(p.Rules, r)
		}
	}
	return p
}

// decodeRule returns a rule as far as it can be read; the scope is "" where that
// is wrong.
func decodeRule(t *diag.Table) (r Rule, ok bool) {
	t.Only("scope", "keyless", "keys", "unsigned")
	ok = true
	if scope, isString := t.Need("scope").AsString(); isString {
		if err := CheckScope(scope); err != nil {
			t.Get("scope").Problem("%v", err)
			ok = false
		} else {
			r.Scope, r.Pos = scope, t.Get("scope").Position()
		}
	}
	var have []string
	for _, key := range []string{"keyless", "keys", "unsigned"} {
		if t.Get(key) != nil {
			have = append(have, key)
		}
	}
	switch len(have) {
	case 0:
		t.Missing("trust: needs one of keyless, keys and unsigned")
		return r, false
	case 1:
	default:
		t.Entry(have[1]).Problem("excludes %s: a rule has one of keyless, keys and unsigned", have[0])
		ok = false
	}
	if v := t.Get("keyless"); v != nil {
		r.Keyless = decodeKeyless(v)
		ok = ok && r.Keyless != nil
	}
	if v := t.Get("keys"); v != nil {
		ok = decodeKeys(v, &r) && ok
	}
	if v := t.Get("unsigned"); v != nil {
		unsigned, isBool := v.AsBool()
		if isBool && !unsigned {
			v.Problem("can only be true: without it a signature is asked for anyway")
		}
		r.Unsigned = unsigned
		ok = ok && unsigned
	}
	return r, ok
}

// CheckScope returns an error where s cannot be the scope of a rule: see
// CheckReference; a folder with an OCI layout is one too.
func CheckScope(s string) error {
	if strings.ContainsAny(s, "*?") {
		return &ReferenceError{s, "has a wildcard in it: a scope stands for all that is below it"}
	}
	if dir, isLayout := strings.CutPrefix(s, layoutScheme); isLayout {
		if dir == "" || dir != path.Clean(dir) {
			return &ReferenceError{s, "names no folder"}
		}
		return nil
	}
	return CheckReference(s)
}

func decodeKeyless(v *diag.Value) *Keyless {
	t, ok := v.AsTable()
	if !ok {
		return nil
	}
	t.Only("issuer", "identity", "identity-regexp", "trusted-root", "attestation")
	k := &Keyless{}
	text := func(key string, into *string) {
		v := t.Get(key)
		if v == nil {
			return
		}
		s, isString := v.AsString()
		if isString && s == "" {
			v.Problem("is empty")
		}
		ok = ok && s != ""
		*into = s
	}
	if t.Need("issuer") == nil {
		ok = false
	}
	text("issuer", &k.Issuer)
	text("identity", &k.Identity)
	text("identity-regexp", &k.IdentityRegexp)
	text("trusted-root", &k.TrustedRoot)
	text("attestation", &k.Attestation)
	if u, err := url.Parse(k.Attestation); k.Attestation != "" && (err != nil || !u.IsAbs()) {
		t.Get("attestation").Problem("%q is not a predicate type: write it as a URI, like %s", k.Attestation, Provenance)
		ok = false
	}
	switch exact, re := t.Get("identity"), t.Entry("identity-regexp"); {
	case exact != nil && re != nil:
		re.Problem("excludes identity: a rule has one of them")
		ok = false
	case exact == nil && re == nil:
		t.Missing("keyless: needs identity or identity-regexp")
		ok = false
	}
	if k.IdentityRegexp != "" {
		if _, err := wholeMatch(k.IdentityRegexp); err != nil {
			t.Get("identity-regexp").Problem("%v", err)
			ok = false
		}
	}
	if k.TrustedRoot != "" {
		k.TrustedRoot = t.Document().Path(k.TrustedRoot)
		if err := checkRoot(k.TrustedRoot); err != nil {
			t.Get("trusted-root").Problem("%q %v", t.Get("trusted-root").Text, err)
			ok = false
		}
	}
	if !ok {
		return nil
	}
	return k
}

func decodeKeys(v *diag.Value, r *Rule) bool {
	files, ok := v.AsStrings()
	if ok && len(files) == 0 {
		v.Problem("names no file")
		return false
	}
	for _, file := range files {
		key := file.Document().Path(file.Text)
		print, err := fingerprint(key)
		if err != nil {
			file.Problem("%q %v", file.Text, err)
			ok = false
			continue
		}
		r.Keys = append(r.Keys, key)
		r.Fingerprints = append(r.Fingerprints, print)
	}
	return ok
}
