package machine

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func verifyCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var remote bool
	cmd := e.Command(env.Command{
		Use:   "verify",
		Short: "Check installed drivers against the lock, byte by byte",
		Long: `Unlike sync, which trusts its receipts, verify reads every byte. What it finds
changed, the next sync repairs. Exit code 3 if anything differs.

--remote also asks the registries whether the locked tags still name the locked
digests, and whether digest, manifest and layer are one chain, and tells which
releases were withdrawn.`,
		Examples: []env.Example{
			{"verify", "is every installed driver as the lock says?"},
			{"verify -o json", "the same for a script"},
			{"verify --remote", "do the registries still hold what is locked?"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run:      func(cmd *cobra.Command, _ []string) error { return runVerify(cmd.Context(), e, u, remote) },
	})
	cmd.Flags().BoolVar(&remote, "remote", false, "also check the lock against the registries")
	return cmd
}

func runVerify(ctx context.Context, e *env.Env, u *ui.UI, remote bool) error {
	p, err := e.ProjectOrLock()
	if err != nil {
		return err
	}
	if !env.Exists(p.ManifestFile()) && !env.Exists(p.LockFile()) {
		_, err := p.Manifest()
		return err
	}
	report, err := p.Verify(ctx, project.SyncOptions{Frozen: !env.Exists(p.ManifestFile())})
	if unmarked, ok := errors.AsType[*install.MarkError](err); ok {
		u.Warn("%s", unmarked.Error()) // what is wrong is known all the same
	} else if err != nil {
		return err
	}
	report.Items = project.Shadow(report.Items, e.SearchPath())
	if err := u.Print(ui.Plugins(report.Items, report.Lock)); err != nil {
		return err
	}
	failed := e.Differs(report)
	if failed != nil && !errors.As(failed, new(*hint.DriftError)) || !remote {
		return failed
	}
	findings, withdrawn, err := p.VerifyRemote(ctx)
	for _, w := range withdrawn {
		u.Warn("%s", w.String())
	}
	for _, f := range findings {
		u.Warn("%s", f.String())
	}
	if err == nil && failed == nil && len(findings) > 0 {
		failed = &hint.DriftError{Text: "the registries differ from the lock", Next: e.Name() + " outdated"}
	}
	return errors.Join(err, failed)
}
