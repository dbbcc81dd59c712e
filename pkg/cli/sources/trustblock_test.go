package sources

import (
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
)

// Whatever a certificate says of its holder, the block that would accept it is
// TOML and says just that.
func TestTrustBlock(t *testing.T) {
	const identity = "https://git.example/\x1b[31m\a\u202e\""
	found := []trust.Finding{{Form: trust.FormBundle, Verified: true, Signer: trust.Signer{Issuer: "https://token.example", Identity: identity}}}
	doc := diag.ParseTOML("f", []byte(trustBlock(env.New(env.Process{}), "h/a", found, func(trust.Finding) *policy.Rule { return nil })))
	if err := doc.Err(); err != nil {
		t.Fatal(err)
	}
	keyless := doc.Root.Get("trust").Items[0].Table.Get("keyless").Table
	if got, _ := keyless.Get("identity").AsString(); got != identity {
		t.Errorf("%q", got)
	}
}
