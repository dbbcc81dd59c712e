package sources

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func loginCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var user string
	var fromStdin bool
	cmd := e.Command(env.Command{
		Use:   "login HOST",
		Short: "Store credentials for a registry, where docker and oras find them",
		Long: `The password or token is tried first: what the registry refuses is not stored
(exit 6); if the registry asks for none, a warning says that it was not
tried. It is kept where docker keeps it, by a credential helper if one is
configured, so that logins made by docker, podman or oras count here and the
other way round. A password is never taken from the command line.`,
		Examples: []env.Example{
			{"login docker.io -u ann", "ask for the password"},
			{"login registry.internal:5000 -u ci --password-stdin < token", "in CI, from a file"},
			{"login ghcr.io", "ask for user and password"},
		},
		Complete: complete.Host(e),
		Args:     env.Exactly(1, "HOST"),
		Run: func(cmd *cobra.Command, args []string) error {
			return hint.Online(runLogin(cmd.Context(), e, u, args[0], user, fromStdin))
		},
	})
	cmd.Flags().StringVarP(&user, "username", "u", "", "user name (default: asked for)")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

func runLogin(ctx context.Context, e *env.Env, u *ui.UI, host, user string, fromStdin bool) error {
	if strings.ContainsAny(host, "/ @") {
		return hint.Usagef("HOST %q: write the registry's host, like docker.io or registry.internal:5000", host)
	}
	if strings.Contains(user, ":") {
		return hint.Usagef("--username %q: cannot hold a colon", user)
	}
	client, err := e.Client()
	if err != nil {
		return err
	}
	var secret string
	if fromStdin {
		if user == "" {
			return hint.Usagef("--password-stdin: needs --username")
		}
		data, err := io.ReadAll(io.LimitReader(u.In, ui.MaxAnswer))
		if err != nil {
			return fmt.Errorf("password: %w", err)
		}
		secret = strings.TrimRight(string(data), "\r\n")
	} else if user, secret, err = ask(u, user); err != nil {
		return err
	}
	if secret == "" {
		return hint.Usagef("password: is empty")
	}
	stored, err := client.Login(ctx, host, user, secret)
	if err != nil {
		return err
	}
	if stored.Unchecked {
		u.Warn("%s: asks for no credentials, so nobody knows whether these are right; they are stored", host)
	} else {
		u.Say("logged in to %s as %s", host, user)
	}
	if stored.Helper == "" {
		u.Warn("%s: the password is kept unencrypted; a docker credential helper would keep it safe", stored.File)
	}
	return nil
}

// ask reads user and password from the terminal, the latter without echo.
func ask(u *ui.UI, user string) (string, string, error) {
	if !u.Asks() {
		return "", "", hint.Usagef("standard input is not a terminal: pass --username and --password-stdin")
	}
	if user == "" {
		var err error
		if user, err = u.Ask("User name: "); err != nil {
			return "", "", fmt.Errorf("user name: %w", err)
		}
	}
	secret, err := u.AskSecret("Password: ")
	return user, string(secret), err
}
