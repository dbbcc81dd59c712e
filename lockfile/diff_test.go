package lockfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
)

// line writes a change as a test wants to see it.
func line(c lockfile.Change) string {
	out := []string{c.Name, string(c.Kind)}
	say := func(when bool, text string) {
		if when {
			out = append(out, text)
		}
	}
	say(c.Signer != "", "signer-"+string(c.Signer))
	say(c.Repository, "repository")
	say(c.Tag, "tag")
	say(c.Digest, "digest")
	say(c.PlatformsGained != nil, fmt.Sprint("+", c.PlatformsGained))
	say(c.PlatformsLost != nil, fmt.Sprint("-", c.PlatformsLost))
	say(c.PlatformsMoved != nil, fmt.Sprint("~", c.PlatformsMoved))
	say(c.AliasesGained != nil, fmt.Sprint("+", c.AliasesGained))
	say(c.AliasesLost != nil, fmt.Sprint("-", c.AliasesLost))
	for _, r := range c.Requires {
		out = append(out, fmt.Sprintf("%s(%s->%s)", r.Name, r.From, r.To))
	}
	return strings.Join(out, " ")
}

func lines(changes []lockfile.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, line(c))
	}
	return strings.Join(out, "\n")
}

func TestDiffOfOne(t *testing.T) {
	signed := func(issuer string) func(*lockfile.Plugin) {
		return func(p *lockfile.Plugin) { p.Signature = &lockfile.Signature{Issuer: issuer, Identity: "x"} }
	}
	signedAs := func(identity string) func(*lockfile.Plugin) {
		return func(p *lockfile.Plugin) { p.Signature = &lockfile.Signature{Issuer: "a", Identity: identity} }
	}
	none := func(*lockfile.Plugin) {}
	const all = "~[linux/amd64 linux/arm64]"
	for _, c := range []struct {
		name     string
		from, to func(*lockfile.Plugin)
		want     string
	}{
		{"nothing", none, none, ""},
		{"upgraded", none, func(p *lockfile.Plugin) { *p = entry("x", "0.1.10", "new") }, "x upgraded tag digest " + all},
		{"downgraded", none, func(p *lockfile.Plugin) { *p = entry("x", "0.1.2-rc.1", "old") }, "x downgraded tag digest " + all},
		{"another build of one version", none, func(p *lockfile.Plugin) { p.Version = "0.1.2+b" }, "x upgraded"},
		{"no version any more", none, func(p *lockfile.Plugin) { p.Version, p.Tag = "", "nightly" }, "x changed tag"},
		{"moved", none, func(p *lockfile.Plugin) { *p = entry("x", "0.1.2", "new") }, "x moved digest " + all},
		{"moved for one platform", none, func(p *lockfile.Plugin) { p.Digest = hash("new"); p.Platforms[1] = build("x", "linux/arm64", "new") },
			"x moved digest ~[linux/arm64]"},
		{"a platform's tag moved", func(p *lockfile.Plugin) { p.Tag, p.Digest, p.Platforms[0].Tag = "", "", "0.1.2-linux-amd64" },
			func(p *lockfile.Plugin) {
				p.Tag, p.Digest, p.Platforms[0].Tag, p.Platforms[0].Manifest = "", "", "0.1.2-linux-amd64", hash("new")
			}, "x moved ~[linux/amd64]"},
		{"the tag for all appeared", func(p *lockfile.Plugin) { p.Tag, p.Digest = "", "" }, none, "x changed tag digest"},
		{"pinned to another digest", func(p *lockfile.Plugin) { p.Tag = "" }, func(p *lockfile.Plugin) { p.Tag, p.Digest = "", hash("new") }, "x changed digest"},
		{"from another repository", none, func(p *lockfile.Plugin) { p.Repository, p.Digest = "ghcr.io/a/x", hash("new") }, "x changed repository digest"},
		{"platforms", none, func(p *lockfile.Plugin) {
			p.Platforms = append(p.Platforms[1:], build("x", "windows/amd64", "x"), build("x", "darwin/arm64", "x"))
		}, "x changed +[darwin/arm64 windows/amd64] -[linux/amd64]"},
		{"the executable's hash became known", none, func(p *lockfile.Plugin) { p.Platforms[0].Executable = hash("e") }, "x changed ~[linux/amd64]"},
		{"aliases", func(p *lockfile.Plugin) { p.Aliases = []string{"a", "b"} }, func(p *lockfile.Plugin) { p.Aliases = []string{"c", "b"} }, "x changed +[c] -[a]"},
		{"requirements", func(p *lockfile.Plugin) { p.Requires = map[string]string{"a": "1", "b": "1", "c": "1"} },
			func(p *lockfile.Plugin) { p.Requires = map[string]string{"b": "2", "c": "1", "schemahero": ">=0.24"} },
			"x changed a(1->) b(1->2) schemahero(->>=0.24)"},
		{"signed", none, signed("a"), "x changed signer-gained"},
		{"no longer signed", signed("a"), none, "x changed signer-lost"},
		{"signed by another", signed("a"), signed("b"), "x changed signer-replaced"},
		{"signed by a key", signed("a"), func(p *lockfile.Plugin) { p.Signature = &lockfile.Signature{Key: "k"} }, "x changed signer-replaced"},
		{"signed by one workflow for another tag", signedAs("https://a.example/w.yaml@refs/tags/1"), signedAs("https://a.example/w.yaml@refs/tags/2"), "x changed signer-ref"},
		{"signed by another workflow", signedAs("https://a.example/w.yaml@refs/tags/1"), signedAs("https://b.example/w.yaml@refs/tags/1"), "x changed signer-replaced"},
		{"signed by a person of the same name elsewhere", signedAs("a@a.example"), signedAs("a@b.example"), "x changed signer-replaced"},
		{"upgraded, and signed by another", signed("a"), func(p *lockfile.Plugin) { *p = entry("x", "1.0.0", "new"); signed("b")(p) },
			"x upgraded signer-replaced tag digest " + all},
		{"order alone", none, func(p *lockfile.Plugin) { p.Platforms[0], p.Platforms[1] = p.Platforms[1], p.Platforms[0] }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := entry("x", "0.1.2", "x"), entry("x", "0.1.2", "x")
			c.from(&from)
			c.to(&to)
			a, b := &lockfile.Lock{Plugins: []lockfile.Plugin{from}}, &lockfile.Lock{Plugins: []lockfile.Plugin{to}}
			changes := lockfile.Diff(a, b)
			if got := lines(changes); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if len(changes) == 1 && (changes[0].From != &a.Plugins[0] || changes[0].To != &b.Plugins[0]) {
				t.Error("the change does not lead to the plugins")
			}
		})
	}
}

func TestDiff(t *testing.T) {
	before := &lockfile.Lock{Plugins: []lockfile.Plugin{entry("c", "0.1.0", "c"), entry("a", "0.1.0", "a"), entry("b", "0.1.0", "b")}}
	after := &lockfile.Lock{Plugins: []lockfile.Plugin{entry("b", "0.2.0", "b"), entry("d", "0.1.0", "d"), entry("a", "0.1.0", "a")}}
	for _, c := range []struct {
		from, to *lockfile.Lock
		want     string
	}{
		{before, after, "b upgraded tag\nc removed\nd added"},
		{nil, after, "a added\nb added\nd added"},
		{before, nil, "a removed\nb removed\nc removed"},
		{nil, nil, ""},
		{after, after, ""},
	} {
		if got := lines(lockfile.Diff(c.from, c.to)); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
	added, removed := lockfile.Diff(nil, after)[0], lockfile.Diff(before, nil)[0]
	if added.From != nil || added.To != &after.Plugins[2] || removed.To != nil || removed.From != &before.Plugins[1] {
		t.Errorf("%+v, %+v", added, removed)
	}
}
