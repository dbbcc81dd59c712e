package carry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/serve"
)

func serveCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var address, dir, bundle string
	cmd := e.Command(env.Command{
		Use:   "serve",
		Short: "Run an OCI registry on this machine",
		Long: `A registry without login or TLS, for demonstrations, tests and closed networks.
It keeps blobs and manifests in a folder and finds them again at the next start.
With --bundle it serves what a bundle or an image layout holds instead,
read-only, under the names that mirror would give: HOST/PATH as PATH. The
address goes to standard output as soon as the registry answers.`,
		Examples: []env.Example{
			{"serve", "on a free port of 127.0.0.1, in a folder that is removed at the end"},
			{"serve --address 127.0.0.1:5000 --dir registry", "on a fixed port, kept in ./registry"},
			{"serve --bundle drivers.tar", "what a bundle holds, for any OCI client, read-only"},
			{"serve --dir registry > address &", "in the background; the address is in a file"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run: func(cmd *cobra.Command, _ []string) error {
			if bundle != "" {
				return serveBundle(cmd.Context(), e, u, address, bundle)
			}
			return runServe(cmd.Context(), e, u, address, dir)
		},
	})
	cmd.Flags().StringVar(&address, "address", "127.0.0.1:0", "HOST:PORT to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&dir, "dir", "", "where to keep what is pushed (default: a temporary folder)")
	cmd.Flags().StringVar(&bundle, "bundle", "", "serve this bundle or image layout, read-only")
	cmd.MarkFlagsMutuallyExclusive("dir", "bundle")
	return cmd
}

func runServe(ctx context.Context, e *env.Env, u *ui.UI, address, dir string) error {
	if dir == "" {
		temp, err := os.MkdirTemp("", "schemahero-registry-")
		if err != nil {
			return err
		}
		defer disk.Discard(temp)
		dir = temp
	} else {
		dir = e.Abs(dir)
	}
	registry, err := serve.Open(dir)
	if err != nil {
		return err
	}
	defer registry.Close()
	return listen(ctx, u, address, registry, "read and push")
}

// serveBundle serves what a bundle holds. It is checked whole first: a client
// could not tell a damaged tag list from a right one.
func serveBundle(ctx context.Context, e *env.Env, u *ui.UI, address, bundle string) error {
	s, _, err := e.OpenSource(ctx, bundle, false)
	if err != nil {
		return err
	}
	defer s.Close()
	return listen(ctx, u, address, serve.Layout(s.Layout), "read")
}

// listen serves until the user ends it, which is how it should end.
func listen(ctx context.Context, u *ui.UI, address string, handler http.Handler, may string) error {
	l, err := net.Listen("tcp", address)
	if errors.As(err, new(*net.AddrError)) {
		return hint.Usagef("--address %s: write HOST:PORT, as 127.0.0.1:5000", address)
	}
	if err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(l.Addr().String()); !net.ParseIP(host).IsLoopback() {
		u.Warn("%s: anyone who reaches this address can %s: there is no login and no TLS", l.Addr(), may)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	stopped := context.AfterFunc(ctx, func() { server.Close() })
	defer stopped()
	ui.NewLines(u.Out).Line("%s", l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
