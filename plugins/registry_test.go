package plugins_test

import (
	"context"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/serve"
)

// exampleRegistry starts a registry with one driver, points the environment at
// it, and returns what ends it.
func exampleRegistry(name, version string) (stop func()) {
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "registry")
	check(err)
	store, err := serve.Open(dir)
	check(err)
	server := httptest.NewServer(store)
	namespace := strings.TrimPrefix(server.URL, "http://") + "/schemahero/plugin"

	file := filepath.Join(dir, "driver")
	check(os.WriteFile(file, []byte("#!/bin/sh\necho "+name+" "+version+"\n"), 0o755))
	client, err := registry.New(registry.Options{})
	check(err)
	repo, err := client.Repository(namespace + "-" + name)
	check(err)
	_, err = publish.Push(context.Background(), repo, publish.Release{
		Name: name, Version: version, Created: time.Unix(0, 0),
		Files: map[artifact.Platform]string{{OS: runtime.GOOS, Arch: runtime.GOARCH}: file},
	}, publish.Options{Force: true}) // a script is no format of executables that is known
	check(err)

	os.Setenv("SCHEMAHERO_PLUGIN_REGISTRY", namespace)
	return func() {
		server.Close()
		store.Close()
		os.RemoveAll(dir)
	}
}
