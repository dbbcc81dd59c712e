package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func (a *app) loginCommand() *cobra.Command {
	var user string
	var fromStdin bool
	cmd := a.command("login HOST", "Store credentials for a registry, where docker and oras find them",
		`The password or token is tried first: what the registry refuses is not stored
(exit 6); where the registry asks for none, a warning says that it was not
tried. It is kept where docker keeps it, by a credential helper if one is
configured, so that logins made by docker, podman or oras count here and the
other way round. A password is never taken from the command line.`,
		examples(
			"login docker.io -u ann", "ask for the password",
			"login registry.internal:5000 -u ci --password-stdin < token", "in CI, from a file",
			"login ghcr.io", "ask for user and password"),
		exactly(1, "HOST"), func(cmd *cobra.Command, args []string) error {
			return online(a.runLogin(cmd.Context(), args[0], user, fromStdin))
		})
	cmd.Flags().StringVarP(&user, "username", "u", "", "user name (default: asked for)")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

func (a *app) runLogin(ctx context.Context, host, user string, fromStdin bool) error {
	if strings.ContainsAny(host, "/ @") {
		return usagef("HOST %q: write the registry's host, like docker.io or registry.internal:5000", host)
	}
	if strings.Contains(user, ":") {
		return usagef("--username %q: cannot hold a colon", user)
	}
	client, err := a.registry()
	if err != nil {
		return err
	}
	var secret string
	if fromStdin {
		if user == "" {
			return usagef("--password-stdin: needs --username")
		}
		data, err := io.ReadAll(io.LimitReader(a.ui.In, ui.MaxAnswer))
		if err != nil {
			return fmt.Errorf("password: %w", err)
		}
		secret = strings.TrimRight(string(data), "\r\n")
	} else if user, secret, err = a.ask(user); err != nil {
		return err
	}
	if secret == "" {
		return usagef("password: is empty")
	}
	stored, err := client.Login(ctx, host, user, secret)
	if err != nil {
		return err
	}
	if stored.Unchecked {
		a.ui.Warn("%s: asks for no credentials, so nobody knows whether these are right; they are stored", host)
	} else {
		a.ui.Say("logged in to %s as %s", host, user)
	}
	if stored.Helper == "" {
		a.ui.Warn("%s: the password is kept unencrypted; a docker credential helper would keep it safe", stored.File)
	}
	return nil
}

// ask reads user and password from the terminal, the latter without echo.
func (a *app) ask(user string) (string, string, error) {
	if !a.ui.Asks() {
		return "", "", usagef("standard input is no terminal: say --username and --password-stdin")
	}
	if user == "" {
		var err error
		if user, err = a.ui.Ask("User name: "); err != nil {
			return "", "", fmt.Errorf("user name: %w", err)
		}
	}
	secret, err := a.ui.AskSecret("Password: ")
	return user, string(secret), err
}

func (a *app) logoutCommand() *cobra.Command {
	return a.command("logout HOST", "Forget the credentials of a registry",
		`Removes them wherever docker, podman and oras would find them, those that Podman
keeps for single namespaces (HOST/PATH) included.`,
		examples(
			"logout docker.io", "forget Docker Hub's",
			"logout registry.internal:5000", "forget those of a registry on a port",
			"logout ghcr.io -q", "say nothing"),
		exactly(1, "HOST"), func(cmd *cobra.Command, args []string) error {
			client, err := a.registry()
			if err != nil {
				return err
			}
			files, err := client.Logout(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if len(files) == 0 {
				a.ui.Say("%s: no credentials were stored", args[0])
			}
			for _, f := range files {
				a.ui.Say("%s: removed from %s", args[0], f)
			}
			return nil
		})
}
