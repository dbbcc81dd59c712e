package carry

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/export"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/sbom"
)

// managerImage is the image of SchemaHero's operator, without its tag.
const managerImage = "docker.io/schemahero/schemahero-manager"

func exportCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Holds(env.Command{
		Use:   "export",
		Short: "Export the lock for other tools",
		Long: `Everything is read from the lock, and goes to standard output: the same lock is
the same text. Only cyclonedx asks registries, for what is in the drivers.`,
		Examples: []env.Example{
			{"export dockerfile > Dockerfile", "the locked drivers in a manager image"},
			{"export cyclonedx > sbom.json", "an SBOM of the locked drivers"},
			{"export cyclonedx -f other.toml", "of another manifest's lock"},
		},
	}, exportDockerfileCommand(e, u), exportCycloneDXCommand(e, u))
}

func exportDockerfileCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var image, fetch string
	var platforms []string
	cmd := e.Command(env.Command{
		Use:   "dockerfile",
		Short: "Write a Dockerfile that puts the locked drivers into a manager image",
		Long: `Its first stage fetches every layer by its digest and checks it; the second is
the manager image with the drivers in
` + export.DriverFolder + `,
where the host looks. A Database uses it by spec.schemahero.image.`,
		Examples: []env.Example{
			{"export dockerfile --image schemahero/schemahero-manager:0.24.0 > Dockerfile", "on a manager image of your choice"},
			{"export dockerfile --platform linux/amd64", "for one platform; the manager's version is the manifest's schemahero"},
			{"export dockerfile | docker build --tag manager -", "straight into a build"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run: func(*cobra.Command, []string) error {
			lock, err := e.LockToCarry(u, nil)
			if err != nil {
				return err
			}
			if lock, err = forPlatforms(e, lock, platforms); err != nil {
				return err
			}
			if image == "" {
				if image, err = manager(e, u); err != nil {
					return err
				}
			}
			text, err := export.Dockerfile(lock, export.DockerfileOptions{Image: image, Fetch: fetch})
			if err != nil {
				return err
			}
			_, err = u.Out.Write(text)
			return err
		},
	})
	cmd.Flags().StringVar(&image, "image", "", "image to add the drivers to (default: the manager of the manifest's schemahero, else the newest)")
	cmd.Flags().StringVar(&fetch, "fetch-image", export.FetchImage, "image of the stage that fetches: it needs oras, sha256sum, tar and a shell")
	cmd.Flags().StringSliceVar(&platforms, "platform", nil, "only OS/ARCH")
	return cmd
}

// manager is the manager image of the host's version that the manifest names.
func manager(e *env.Env, u *ui.UI) (string, error) {
	p, err := e.ProjectOrLock()
	if err != nil {
		return "", err
	}
	m, err := p.Manifest()
	if err == nil && m.SchemaHero != nil {
		return managerImage + ":" + m.SchemaHero.String(), nil
	}
	u.Warn("which version of the manager is not said, so it is the newest: say --image IMAGE, or schemahero = \"VERSION\" in the manifest")
	return managerImage + ":latest", nil
}

func exportCycloneDXCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var name string
	cmd := e.Command(env.Command{
		Use:   "cyclonedx",
		Short: "Write a CycloneDX SBOM of the locked drivers",
		Long: `CycloneDX 1.6, JSON: each driver with its purl, repository and digests, each
archive with its SHA-256, and each executable with the Go modules in it, as far
as they are known: of what is in the store from the executable, else from the
SBOM that push attaches to a release. Under a trust rule that counts only if the
rule's signer signed it. Without network (--offline) only what the
store has is looked at. It bears no time, so that it changes with the lock and
not otherwise.`,
		Examples: []env.Example{
			{"export cyclonedx > sbom.json", "named after the project's folder"},
			{"export cyclonedx --name shop | jq .components[].purl", "the drivers' package URLs"},
			{"export cyclonedx -C shop", "of the project in another folder"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run: func(cmd *cobra.Command, _ []string) error {
			lock, err := e.LockToCarry(u, nil)
			if err != nil {
				return err
			}
			if name == "" {
				name = filepath.Base(e.ProjectDir())
			}
			modules, err := lockedModules(cmd.Context(), e, u, lock)
			if err != nil {
				return err
			}
			text, err := export.CycloneDX(lock, name, e.Version, func(q lockfile.Platform) []sbom.Component { return modules[q.Layer] })
			if err != nil {
				return err
			}
			_, err = u.Out.Write(text)
			return err
		},
	})
	cmd.Flags().StringVar(&name, "name", "", "what the SBOM is of (default: the project's folder)")
	return cmd
}
