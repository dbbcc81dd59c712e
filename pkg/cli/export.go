package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/export"
)

// managerImage is the image of SchemaHero's operator, without its tag.
const managerImage = "docker.io/schemahero/schemahero-manager"

func (a *app) exportCommand() *cobra.Command {
	cmd := a.command("export", "Write what the lock says for other tools",
		`Everything is read from the lock alone, without network, and goes to standard
output: the same lock is the same text.`,
		examples(
			"export dockerfile > Dockerfile", "the locked drivers in a manager image",
			"export cyclonedx > sbom.json", "an SBOM of the locked drivers",
			"export cyclonedx -f other.toml", "of another manifest's lock"),
		cobra.ArbitraryArgs, a.onlyHolds)
	cmd.AddCommand(a.exportDockerfileCommand(), a.exportCycloneDXCommand())
	return cmd
}

func (a *app) exportDockerfileCommand() *cobra.Command {
	var image, fetch string
	var platforms []string
	cmd := a.command("dockerfile", "Write a Dockerfile that puts the locked drivers into a manager image",
		`Its first stage fetches every layer by its digest and checks it; the second is
the manager image with the drivers in`+export.DriverFolder+`,
where the host looks. A Database uses it by spec.schemahero.image.`,
		examples(
			"export dockerfile --image schemahero/schemahero-manager:0.24.0 > Dockerfile", "on a manager image of your choice",
			"export dockerfile --platform linux/amd64", "for one platform; the manager's version is the manifest's schemahero",
			"export dockerfile | docker build --tag manager -", "straight into a build"),
		none, func(*cobra.Command, []string) error {
			lock, err := a.lockToCarry(nil)
			if err != nil {
				return err
			}
			if lock, err = forPlatforms(lock, platforms); err != nil {
				return err
			}
			if image == "" {
				if image, err = a.manager(); err != nil {
					return err
				}
			}
			text, err := export.Dockerfile(lock, export.DockerfileOptions{Image: image, Fetch: fetch})
			if err != nil {
				return err
			}
			_, err = a.ui.Out.Write(text)
			return err
		})
	cmd.Flags().StringVar(&image, "image", "", "image to add the drivers to (default: the manager of the manifest's schemahero, else the newest)")
	cmd.Flags().StringVar(&fetch, "fetch-image", export.FetchImage, "image of the stage that fetches: it needs oras, sha256sum, tar and a shell")
	cmd.Flags().StringSliceVar(&platforms, "platform", nil, "only OS/ARCH")
	return cmd
}

// manager is the manager image of the host's version that the manifest names.
func (a *app) manager() (string, error) {
	p, err := a.syncProject(true)
	if err != nil {
		return "", err
	}
	m, err := p.Manifest()
	if err == nil && m.SchemaHero != nil {
		return managerImage + ":" + m.SchemaHero.String(), nil
	}
	a.ui.Warn("which version of the manager is not said, so it is the newest: say --image IMAGE, or schemahero = \"VERSION\" in the manifest")
	return managerImage + ":latest", nil
}

func (a *app) exportCycloneDXCommand() *cobra.Command {
	var name string
	cmd := a.command("cyclonedx", "Write a CycloneDX SBOM of the locked drivers",
		`CycloneDX 1.6, JSON: each driver with its purl, repository and digests, each
archive with its SHA-256, and each executable where the release states it. It
bears no time, so that it changes with the lock and not otherwise.`,
		examples(
			"export cyclonedx > sbom.json", "named after the project's folder",
			"export cyclonedx --name shop | jq .components[].purl", "the drivers' package URLs",
			"export cyclonedx -C shop", "of the project in another folder"),
		none, func(*cobra.Command, []string) error {
			lock, err := a.lockToCarry(nil)
			if err != nil {
				return err
			}
			if name == "" {
				name = filepath.Base(a.projectDir())
			}
			text, err := export.CycloneDX(lock, name, a.Version)
			if err != nil {
				return err
			}
			_, err = a.ui.Out.Write(text)
			return err
		})
	cmd.Flags().StringVar(&name, "name", "", "what the SBOM is of (default: the project's folder)")
	return cmd
}
