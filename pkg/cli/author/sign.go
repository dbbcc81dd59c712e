package author

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func signCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var key string
	cmd := e.Command(env.Command{
		Use:   "sign REF --key FILE",
		Short: "Sign a release with a key",
		Long: `REF is HOST/PATH:TAG or HOST/PATH@DIGEST. The signature is a sigstore bundle
that refers to the digest, as cosign writes it: the key is one of cosign
generate-key-pair, or plain PEM as openssl writes it. The password of an
encrypted key is taken from COSIGN_PASSWORD where that is set, even empty, and
else asked for. Nothing goes to a transparency log, so verify with cosign verify
--key FILE.pub --insecure-ignore-tlog REF.

What the key has signed already is left alone. Releases in the tags layout are
signed tag by tag. For keyless signatures use cosign in CI: see docs/trust.md.`,
		Examples: []env.Example{
			{"sign ghcr.io/acme/schemahero/postgres:0.1.2 --key cosign.key", "sign a release"},
			{"sign ghcr.io/acme/schemahero/postgres@sha256:DIGEST --key cosign.key", "what a digest names"},
			{"sign registry.internal/db/oracle:1.0.0 --key cosign.key -o json", "and tell a script what was written"},
		},
		Complete: complete.Releases(e),
		Args:     env.Exactly(1, "REF"),
		Run: func(cmd *cobra.Command, args []string) error {
			if key == "" {
				return hint.Usagef("--key is missing: name the private key's file")
			}
			return runSign(cmd.Context(), e, u, args[0], key)
		},
	})
	cmd.Flags().StringVar(&key, "key", "", "private key, PEM")
	return cmd
}

// signedInfo is an object of kind Signature.
type signedInfo struct {
	Repository string `json:"repository" col:"REPOSITORY"`
	Digest     string `json:"digest" col:"DIGEST"`
	Key        string `json:"key" col:"KEY"`
	Manifest   string `json:"manifest" col:"+MANIFEST"`
	Kept       bool   `json:"kept"`
}

func runSign(ctx context.Context, e *env.Env, u *ui.UI, ref, keyFile string) error {
	repository, reference, err := env.SplitReference(ref)
	if err != nil {
		return err
	}
	key, err := e.PrivateKey(u, keyFile)
	if err != nil {
		return err
	}
	repo, err := publishTarget(e, repository)
	if err != nil {
		return err
	}
	// The manifest itself, and not only its descriptor: what is signed is there.
	desc, _, err := repo.Manifest(ctx, reference)
	if err != nil {
		return err
	}
	signed, err := trust.Sign(ctx, repo, desc, key)
	if err != nil {
		return err
	}
	info := signedInfo{repo.Name(), string(signed.Subject.Digest), signed.Signer.Key, string(signed.Manifest), signed.Kept}
	v := ui.Single("Signature", "signature", info.Manifest, info)
	v.Text = func(w ui.Lines) { w.Line("%s", env.SignedText(repo.Name(), signed)) }
	return u.Print(v)
}
