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
	var address, dir string
	cmd := a.command("serve", "Run an OCI registry on this machine",
		`A registry without login or TLS, for demonstrations, tests and closed networks.
It keeps blobs and manifests in a folder and finds them again at the next start.
The address goes to standard output as soon as the registry answers.`,
		examples(
			"serve", "on a free port of 127.0.0.1, in a folder that is removed at the end",
			"serve --address 127.0.0.1:5000 --dir registry", "on a fixed port, kept in ./registry",
			"serve --dir registry > address &", "in the background; the address is in a file"),
		none, func(cmd *cobra.Command, _ []string) error { return a.runServe(cmd.Context(), address, dir) })
	cmd.Flags().StringVar(&address, "address", "127.0.0.1:0", "HOST:PORT to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&dir, "dir", "", "where to keep what is pushed (default: a temporary folder)")
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
	return a.listen(ctx, address, registry)
}

// listen serves until the user ends it, which is how it should end.
func (a *app) listen(ctx context.Context, address string, handler http.Handler) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(l.Addr().String()); !net.ParseIP(host).IsLoopback() {
		a.warn("%s: everybody who reaches this address can read and push: there is no login and no TLS", l.Addr())
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second}
	stopped := context.AfterFunc(ctx, func() { server.Close() })
	defer stopped()
	fmt.Fprintln(a.Out, l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
