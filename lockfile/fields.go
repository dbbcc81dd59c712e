package lockfile

import (
	"errors"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// maxText is the longest issuer or identity, in bytes.
const maxText = 2048

func (r *reader) plugin(t *diag.Table) Plugin {
	r.only(t, "name", "version", "aliases", "repository", "tag", "digest", "requires", "signature", "platform")
	p := Plugin{
		Name:       r.name(t.Need("name")),
		Version:    r.version(t.Get("version")),
		Aliases:    r.aliases(t.Get("aliases")),
		Repository: r.repository(t.Need("repository")),
		Tag:        r.tag(t.Get("tag")),
		Digest:     r.digest(t.Get("digest")),
		Requires:   r.requires(t.Get("requires")),
		Signature:  r.signature(t.Get("signature")),
	}
	seen := map[artifact.Platform]bool{}
	tagged := true
	tables := t.Need("platform").AsTables()
	for _, t := range tables {
		q := r.platform(t)
		if seen[q.Platform] && !q.Platform.IsZero() {
			t.Get("platform").Problem("%s is there twice", q.Platform)
		}
		seen[q.Platform] = true
		tagged = tagged && t.Get("tag") != nil
		p.Platforms = append(p.Platforms, q)
	}
	if v := t.Get("platform"); v != nil && v.Kind == diag.Array && len(v.Items) == 0 {
		v.Problem("the plugin has none")
	}
	// What the registry calls the release must be known: a platform's chain of
	// digests begins at the plugin's, or at its own tag.
	if t.Get("digest") == nil {
		switch {
		case len(p.Platforms) > 0 && !tagged:
			t.Problem("plugin: digest is missing, and not every platform has a tag")
		case t.Get("version") == nil && t.Get("tag") == nil:
			t.Problem("plugin: has neither version nor tag nor digest")
		}
	}
	r.platformTags(tables, p)
	return p
}

func (r *reader) platform(t *diag.Table) Platform {
	r.only(t, "platform", "tag", "manifest", "layer", "size", "file", "executable")
	p := Platform{
		Tag:        r.tag(t.Get("tag")),
		Manifest:   r.digest(t.Need("manifest")),
		Layer:      r.digest(t.Need("layer")),
		Executable: r.digest(t.Get("executable")),
	}
	if v := t.Need("platform"); v != nil {
		if s, ok := v.AsString(); ok {
			var err error
			if p.Platform, err = artifact.ParsePlatform(s); err != nil {
				v.Problem("%s: %s", show(s), reason(err))
			}
		}
	}
	if v := t.Need("size"); v != nil {
		n, ok := v.AsInt()
		if p.Size = n; ok && n <= 0 {
			v.Problem("%d bytes is not a size of a layer", n)
		}
	}
	if v := t.Need("file"); v != nil {
		s, ok := v.AsString()
		if p.File = s; ok && artifact.CheckFile(s) != nil {
			v.Problem("%s is not a bare file name", show(s))
		}
	}
	return p
}

func (r *reader) name(v *diag.Value) string {
	s, ok := v.AsString()
	if !ok {
		return ""
	}
	if err := artifact.CheckName(s); err != nil {
		v.Problem("%s: %s", show(s), reason(err))
		return ""
	}
	return s
}

func (r *reader) version(v *diag.Value) string {
	s, ok := v.AsString()
	if !ok {
		return ""
	}
	if _, err := semver.StrictNewVersion(s); err != nil {
		v.Problem("%s is not an X.Y.Z version", show(s))
	}
	return s
}

func (r *reader) aliases(v *diag.Value) []string {
	items, _ := v.AsStrings()
	var names []string
	for _, item := range items {
		if name := r.name(item); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (r *reader) repository(v *diag.Value) string {
	s, ok := v.AsString()
	if ok {
		if err := artifact.CheckRepository(s); err != nil {
			v.Problem("%s: %s", show(s), reason(err))
		}
	}
	return s
}

func (r *reader) tag(v *diag.Value) string {
	s, ok := v.AsString()
	if ok && !artifact.IsTag(s) {
		v.Problem("%s is not a tag", show(s))
	}
	return s
}

func (r *reader) digest(v *diag.Value) digest.Digest {
	s, ok := v.AsString()
	if ok && !artifact.IsDigest(s) {
		v.Problem("%s is not sha256: and 64 hexadecimal digits", show(s))
	}
	return digest.Digest(s)
}

func (r *reader) requires(v *diag.Value) map[string]string {
	t, ok := v.AsTable()
	if !ok {
		return nil
	}
	out := map[string]string{}
	for _, e := range t.Entries {
		if err := artifact.CheckName(e.Key); err != nil {
			e.Problem("%s", reason(err))
		}
		if s, ok := e.Value.AsString(); ok {
			if !artifact.IsConstraint(s) {
				e.Value.Problem("%s is not a constraint", show(s))
			}
			out[e.Key] = s
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (r *reader) signature(v *diag.Value) *Signature {
	t, ok := v.AsTable()
	if !ok {
		return nil
	}
	r.only(t, "issuer", "identity", "key")
	if key := t.Get("key"); key != nil {
		if t.Get("issuer") != nil || t.Get("identity") != nil {
			v.Problem("has a key, and an issuer or identity too")
		}
		return &Signature{Key: string(r.digest(key))}
	}
	return &Signature{Issuer: r.text(t.Need("issuer")), Identity: r.text(t.Need("identity"))}
}

func (r *reader) text(v *diag.Value) string {
	s, ok := v.AsString()
	if ok && !isText(s) {
		v.Problem("%s is not a name of a signer", show(s))
	}
	return s
}

// isText reports whether s is one line that a terminal can show.
func isText(s string) bool {
	return s != "" && len(s) <= maxText && utf8.ValidString(s) &&
		!slices.ContainsFunc([]rune(s), func(c rune) bool { return !unicode.IsPrint(c) })
}

// show quotes a value for a message.
func show(s string) string { return strconv.Quote(clip(s, 80)) }

// clip keeps a hostile value from filling a screen.
func clip(s string, most int) string {
	for i := range s {
		if most == 0 {
			return s[:i] + "…"
		}
		most--
	}
	return s
}

// reason returns an error's text without the subject, which show has given.
func reason(err error) string { return clip(reasonOf(err), 200) }

func reasonOf(err error) string {
	var name *artifact.NameError
	var platform *artifact.PlatformError
	var repository *artifact.RepositoryError
	switch {
	case errors.As(err, &name):
		return name.Reason
	case errors.As(err, &platform):
		return platform.Reason
	case errors.As(err, &repository):
		return repository.Reason
	}
	return err.Error()
}
