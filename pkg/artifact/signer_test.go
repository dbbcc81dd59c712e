package artifact_test

import (
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Who signs for another branch or tag of one workflow is one signer; who has
// another address at the same host is not.
func TestSameSigner(t *testing.T) {
	workflow := func(ref string) *artifact.Signer {
		return &artifact.Signer{Issuer: "https://i", Identity: "https://git.example/acme/release.yaml" + ref}
	}
	mail := func(name string) *artifact.Signer {
		return &artifact.Signer{Issuer: "https://i", Identity: name + "@acme.example"}
	}
	elsewhere := workflow("@refs/heads/main")
	elsewhere.Issuer = "https://j"
	a, b := &artifact.Signer{Key: "sha256:aa"}, &artifact.Signer{Key: "sha256:bb"}
	for name, c := range map[string]struct {
		s, t        *artifact.Signer
		same, equal bool
	}{
		"a key":             {a, &artifact.Signer{Key: "sha256:aa"}, true, true},
		"another key":       {a, b, false, false},
		"a key, a workflow": {a, workflow(""), false, false},
		"another branch":    {workflow("@refs/heads/main"), workflow("@refs/tags/v1"), true, false},
		"another workflow":  {workflow("@refs/heads/main"), workflow("2@refs/heads/main"), false, false},
		"another issuer":    {workflow("@refs/heads/main"), elsewhere, false, false},
		"another address":   {mail("ann"), mail("bob"), false, false},
		"another host":      {mail("ann"), &artifact.Signer{Issuer: "https://i", Identity: "ann@other.example"}, false, false},
		"none":              {nil, nil, true, true},
		"none and one":      {nil, a, false, false},
	} {
		for _, pair := range [][2]*artifact.Signer{{c.s, c.t}, {c.t, c.s}} {
			if same, equal := pair[0].SameSigner(pair[1]), pair[0].Equal(pair[1]); same != c.same || equal != c.equal {
				t.Errorf("%s: same %v, equal %v", name, same, equal)
			}
		}
	}
	for want, s := range map[string]artifact.Signer{
		"key sha256:aa": *a, "ann@acme.example (https://i)": *mail("ann"), " (https://i)": {Issuer: "https://i"}, "nobody": {},
	} {
		if s.String() != want || s.IsZero() != (want == "nobody") {
			t.Errorf("%q, want %q", s, want)
		}
	}
}
