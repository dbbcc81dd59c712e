package env

import (
	"context"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/pflag"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
)

// Signing is how a command signs what it publishes: --sign and --key.
type Signing struct {
	sign bool
	file string
	key  *trust.PrivateKey // nil if nothing is signed
}

// Flags adds the flags.
func (s *Signing) Flags(f *pflag.FlagSet) {
	f.BoolVar(&s.sign, "sign", false, "sign it with --key, before any tag is set")
	f.StringVar(&s.file, "key", "", "private key to sign with, PEM; see sign")
}

// Load reads the key, before anything else that takes time.
func (s *Signing) Load(e *Env, u *ui.UI) (err error) {
	switch {
	case !s.sign && s.file == "":
		return nil
	case !s.sign:
		return hint.Usagef("--key: needs --sign")
	case s.file == "":
		return hint.Usagef("--sign: needs --key FILE; for a keyless signature, run cosign sign afterwards")
	}
	s.key, err = e.PrivateKey(u, s.file)
	return err
}

// In returns what signs in a repository; nil if nothing is signed.
func (s *Signing) In(repo registry.Target, u *ui.UI) func(context.Context, ocispec.Descriptor) error {
	if s.key == nil {
		return nil
	}
	return func(ctx context.Context, desc ocispec.Descriptor) error {
		signed, err := trust.Sign(ctx, repo, desc, s.key)
		if err == nil {
			u.Say("%s", SignedText(repo.Name(), signed))
		}
		return err
	}
}

// PrivateKey reads a key to sign with; its password is the environment's, or else
// asked for.
func (e *Env) PrivateKey(u *ui.UI, file string) (*trust.PrivateKey, error) {
	return trust.LoadPrivateKey(e.Abs(file), func() ([]byte, error) {
		if password, set := e.Lookup("COSIGN_PASSWORD"); set {
			return []byte(password), nil
		}
		if !u.Asks() {
			return nil, hint.Usagef("%s: is encrypted, and standard input is not a terminal: set COSIGN_PASSWORD", file)
		}
		return u.AskSecret("Password of " + file + ": ")
	})
}

// SignedText tells that something was signed.
func SignedText(repository string, s *trust.Signed) string {
	verb := "signed"
	if s.Kept {
		verb = "was signed before"
	}
	return fmt.Sprintf("%s@%s %s by %s", repository, s.Subject.Digest, verb, s.Signer)
}
