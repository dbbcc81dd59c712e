package policy

import (
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

func TestAccept(t *testing.T) {
	alice := Seen{Issuer: "https://i", Identity: "alice", Verified: true, Tried: true}
	bob := alice
	bob.Identity = "bob"
	for name, c := range map[string]struct {
		seen []Seen
		want string
	}{
		"nobody":     {nil, ""},
		"one":        {[]Seen{alice, alice}, "[[trust]]\nscope = \"h/a\"\nkeyless = { issuer = \"https://i\", identity = \"alice\" }\n"},
		"two":        {[]Seen{{Key: "sha256:3", Tried: true}, alice, bob}, "[[trust]]\nscope = \"h/a\"\nkeyless = { issuer = \"https://i\", identity = \"alice\" }\n# keyless = { issuer = \"https://i\", identity = \"bob\" }\n# keys = [\"FILE\"]   # the public key with fingerprint sha256:3\n"},
		"not tried":  {[]Seen{{Issuer: "i", Identity: "b"}}, "[[trust]]\nscope = \"h/a\"\nkeyless = { issuer = \"i\", identity = \"b\" }   # not verified; a private Sigstore needs its trusted-root = \"FILE\" too\n"},
		"own root":   {[]Seen{{Issuer: "i", Identity: "b", TrustedRoot: "r.json", Tried: true}}, "[[trust]]\nscope = \"h/a\"\nkeyless = { issuer = \"i\", identity = \"b\", trusted-root = \"r.json\" }\n"},
		"keys":       {[]Seen{{Key: "sha256:2", KeyFile: "b.pub", Verified: true}, {Key: "sha256:1", KeyFile: "a.pub", Verified: true}}, "[[trust]]\nscope = \"h/a\"\nkeys = [\"a.pub\", \"b.pub\"]\n"},
		"who is not": {[]Seen{{Key: "sha256:3", Tried: true}, alice}, "[[trust]]\nscope = \"h/a\"\nkeyless = { issuer = \"https://i\", identity = \"alice\" }\n# keys = [\"FILE\"]   # the public key with fingerprint sha256:3\n"},
	} {
		if got := Accept("h/a", c.seen); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// Whatever a certificate says of its holder, the table that would accept it is
// TOML and says just that.
func TestAcceptQuotes(t *testing.T) {
	const identity = "https://git.example/\x1b[31m\a\u202e\""
	doc := diag.ParseTOML("f", []byte(Accept("h/a", []Seen{{Issuer: "https://token.example", Identity: identity, Tried: true}})))
	if err := doc.Err(); err != nil {
		t.Fatal(err)
	}
	keyless := doc.Root.Get("trust").Items[0].Table.Get("keyless").Table
	if got, _ := keyless.Get("identity").AsString(); got != identity {
		t.Errorf("%q", got)
	}
}
