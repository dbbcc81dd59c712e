package cli

import (
	"context"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func (a *app) signCommand() *cobra.Command {
	var key string
	cmd := a.command("sign REF --key FILE", "Sign a release with a key",
		`REF is HOST/PATH:TAG or HOST/PATH@DIGEST. The signature is a sigstore bundle
that refers to the digest, as cosign writes it: the key is one of cosign
generate-key-pair, or plain PEM as openssl writes it. The password of an
encrypted key is taken from COSIGN_PASSWORD where that is set, even empty, and
else asked for. Nothing goes to a transparency log, so verify with cosign verify
--key FILE.pub --insecure-ignore-tlog REF.

What the key has signed already is left alone. Releases in the tags layout are
signed tag by tag. For keyless signatures use cosign in CI: see docs/trust.md.`,
		examples(
			"sign ghcr.io/acme/schemahero/postgres:0.1.2 --key cosign.key", "sign a release",
			"sign ghcr.io/acme/schemahero/postgres@sha256:DIGEST --key cosign.key", "what a digest names",
			"sign registry.internal/db/oracle:1.0.0 --key cosign.key -o json", "and tell a script what was written"),
		exactly(1, "REF"), func(cmd *cobra.Command, args []string) error {
			if key == "" {
				return usagef("--key is missing: name the private key's file")
			}
			return a.runSign(cmd.Context(), args[0], key)
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

func (a *app) runSign(ctx context.Context, ref, keyFile string) error {
	repository, reference, err := splitRef(ref)
	if err != nil {
		return err
	}
	key, err := a.privateKey(keyFile)
	if err != nil {
		return err
	}
	repo, err := a.publishTarget(repository)
	if err != nil {
		return err
	}
	signed, err := sign(ctx, repo, reference, key)
	if err != nil {
		return err
	}
	info := signedInfo{repo.Name(), string(signed.Subject.Digest), signed.Signer.Key, string(signed.Manifest), signed.Kept}
	v := ui.Single("Signature", "signature", info.Manifest, info)
	v.Text = func(w ui.Lines) { w.Line("%s", signedText(repo.Name(), signed)) }
	return a.ui.Print(v)
}

func signedText(repository string, s *trust.Signed) string {
	verb := "signed"
	if s.Kept {
		verb = "was signed before"
	}
	return fmt.Sprintf("%s@%s %s by %s", repository, s.Subject.Digest, verb, s.Signer)
}

func sign(ctx context.Context, repo registry.Repository, reference string, key *trust.PrivateKey) (*trust.Signed, error) {
	// The manifest itself, and not only its descriptor: what is signed is there.
	desc, _, err := repo.Manifest(ctx, reference)
	if err != nil {
		return nil, err
	}
	return trust.Sign(ctx, repo, desc, key)
}

// privateKey reads a key to sign with.
func (a *app) privateKey(file string) (*trust.PrivateKey, error) {
	return trust.LoadPrivateKey(a.abs(file), func() ([]byte, error) {
		if password, set := a.Env("COSIGN_PASSWORD"); set {
			return []byte(password), nil
		}
		if !a.ui.Asks() {
			return nil, usagef("%s: is encrypted, and standard input is no terminal: set COSIGN_PASSWORD", file)
		}
		return a.ui.AskSecret("Password of " + file + ": ")
	})
}

// loadSigner reads the key of push --sign, before minutes of compiling.
func (a *app) loadSigner(p *pushFlags) (err error) {
	switch {
	case !p.sign && p.key == "":
		return nil
	case !p.sign:
		return usagef("--key: goes with --sign")
	case p.key == "":
		return usagef("--sign: needs --key FILE; for keyless signatures run cosign sign afterwards")
	}
	p.signer, err = a.privateKey(p.key)
	return err
}

// signsWith returns how push signs in a repository; nil where it does not.
func (a *app) signsWith(repo registry.Repository, p pushFlags) func(context.Context, ocispec.Descriptor) error {
	if p.signer == nil {
		return nil
	}
	return func(ctx context.Context, desc ocispec.Descriptor) error {
		signed, err := trust.Sign(ctx, repo, desc, p.signer)
		if err == nil {
			a.ui.Say("%s", signedText(repo.Name(), signed))
		}
		return err
	}
}
