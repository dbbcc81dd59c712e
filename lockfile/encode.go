package lockfile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// header is the first line of every lock. It names the command rather than the
// file, whose name follows the manifest's.
const header = "# Written by `kubectl schemahero plugin lock`. Commit it; do not edit it.\n"

// Encode returns the one text of a lock, in UTF-8 with LF line ends. Order in
// l does not matter, and l is not changed.
func (l *Lock) Encode() []byte {
	b := append([]byte(header), "version = 1\n"...)
	plugins := make([]*Plugin, len(l.Plugins))
	for i := range plugins {
		plugins[i] = &l.Plugins[i]
	}
	slices.SortStableFunc(plugins, func(a, b *Plugin) int { return cmp.Compare(a.Name, b.Name) })
	for _, p := range plugins {
		b = appendPlugin(append(b, '\n'), p)
	}
	return b
}

func appendPlugin(b []byte, p *Plugin) []byte {
	b = append(b, "[[plugin]]\n"...)
	b = appendString(b, "name", p.Name)
	b = appendOptional(b, "version", p.Version)
	if len(p.Aliases) > 0 {
		quoted := make([]string, len(p.Aliases))
		for i, a := range slices.Sorted(slices.Values(p.Aliases)) {
			quoted[i] = diag.Quote(a)
		}
		b = fmt.Appendf(b, "aliases = [%s]\n", strings.Join(quoted, ", "))
	}
	b = appendString(b, "repository", p.Repository)
	b = appendOptional(b, "tag", p.Tag)
	b = appendOptional(b, "digest", string(p.Digest))
	if len(p.Requires) > 0 {
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(p.Requires)) {
			pairs = append(pairs, diag.QuoteKey(name)+" = "+diag.Quote(p.Requires[name]))
		}
		b = appendInline(b, "requires", pairs)
	}
	if s := p.Signature; s != nil {
		pairs := []string{"issuer = " + diag.Quote(s.Issuer), "identity = " + diag.Quote(s.Identity)}
		if s.Key != "" {
			pairs = []string{"key = " + diag.Quote(s.Key)}
		}
		b = appendInline(b, "signature", pairs)
	}
	platforms := slices.Clone(p.Platforms)
	SortPlatforms(platforms)
	for i := range platforms {
		b = appendPlatform(append(b, '\n'), &platforms[i])
	}
	return b
}

func appendPlatform(b []byte, p *Platform) []byte {
	b = append(b, "[[plugin.platform]]\n"...)
	b = appendString(b, "platform", p.Platform.String())
	b = appendOptional(b, "tag", p.Tag)
	b = appendString(b, "manifest", string(p.Manifest))
	b = appendString(b, "layer", string(p.Layer))
	b = fmt.Appendf(b, "size = %d\n", p.Size)
	b = appendString(b, "file", p.File)
	return appendOptional(b, "executable", string(p.Executable))
}

func appendString(b []byte, key, value string) []byte {
	return append(append(append(append(b, key...), " = "...), diag.Quote(value)...), '\n')
}

func appendOptional(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(b, key, value)
}

func appendInline(b []byte, key string, pairs []string) []byte {
	return fmt.Appendf(b, "%s = { %s }\n", key, strings.Join(pairs, ", "))
}
