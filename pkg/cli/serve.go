package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/serve"
)

func (a *app) serveCommand() *cobra.Command {
	var address, dir, bundle string
	cmd := a.command("serve", "Run an OCI registry on this machine",
		`A registry without login or TLS, for demonstrations, tests and closed networks.
It keeps blobs and manifests in a folder and finds them again at the next start.
With --bundle it serves what a bundle or an image layout holds instead,
read-only, under the names that mirror would give: HOST/PATH as PATH. The
address goes to standard output as soon as the registry answers.`,
		examples(
			"serve", "on a free port of 127.0.0.1, in a folder that is removed at the end",
			"serve --address 127.0.0.1:5000 --dir registry", "on a fixed port, kept in ./registry",
			"serve --bundle drivers.tar", "what a bundle holds, for any OCI client, read-only",
			"serve --dir registry > address &", "in the background; the address is in a file"),
		none, func(cmd *cobra.Command, _ []string) error {
			if bundle != "" {
				return a.serveBundle(cmd.Context(), address, bundle)
			}
			return a.runServe(cmd.Context(), address, dir)
		})
	cmd.Flags().StringVar(&address, "address", "127.0.0.1:0", "HOST:PORT to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&dir, "dir", "", "where to keep what is pushed (default: a temporary folder)")
	cmd.Flags().StringVar(&bundle, "bundle", "", "serve this bundle or image layout, read-only")
	cmd.MarkFlagsMutuallyExclusive("dir", "bundle")
	return cmd
}

func (a *app) runServe(ctx context.Context, address, dir string) error {
	if dir == "" {
		temp, err := os.MkdirTemp("", "schemahero-registry-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		dir = temp
	} else {
		dir = a.abs(dir)
	}
	registry, err := serve.Open(dir)
	if err != nil {
		return err
	}
	defer registry.Close()
	return a.listen(ctx, address, registry, "read and push")
}

// serveBundle serves what a bundle holds. It is checked whole first: a client
// could not tell a damaged tag list from a right one.
func (a *app) serveBundle(ctx context.Context, address, bundle string) error {
	if _, err := a.openFrom(ctx, bundle); err != nil {
		return err
	}
	return a.listen(ctx, address, serve.Layout(a.source.Layout), "read")
}

// listen serves until the user ends it, which is how it should end.
func (a *app) listen(ctx context.Context, address string, handler http.Handler, may string) error {
	l, err := net.Listen("tcp", address)
	if errors.As(err, new(*net.AddrError)) {
		return usagef("--address %s: write HOST:PORT, as 127.0.0.1:5000", address)
	}
	if err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(l.Addr().String()); !net.ParseIP(host).IsLoopback() {
		a.ui.Warn("%s: everybody who reaches this address can %s: there is no login and no TLS", l.Addr(), may)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	stopped := context.AfterFunc(ctx, func() { server.Close() })
	defer stopped()
	fmt.Fprintln(a.ui.Out, l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
