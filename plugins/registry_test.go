package plugins_test

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// push publishes a driver for this machine as HOST/schemahero/plugin-NAME.
func push(r *registrytest.Registry, name, version string) {
	dir, err := os.MkdirTemp("", "driver")
	check(err)
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "driver")
	check(os.WriteFile(file, []byte("#!/bin/sh\necho "+name+" "+version+"\n"), 0o755))
	client, err := registry.New(registry.Options{})
	check(err)
	repo, err := client.Target(r.Host() + "/schemahero/plugin-" + name)
	check(err)
	_, err = publish.Push(context.Background(), repo, publish.Release{
		Name: name, Version: version, Created: time.Unix(0, 0),
		Files: map[artifact.Platform]string{{OS: runtime.GOOS, Arch: runtime.GOARCH}: file},
	}, publish.Options{Force: true, Temp: dir}) // a script is not a format of executables that is known
	check(err)
}

// exampleRegistry starts a registry with one driver, points the environment at
// it, and returns what ends it.
func exampleRegistry(name, version string) (stop func()) {
	r := registrytest.Over(registrytest.Memory(false))
	push(r, name, version)
	os.Setenv("SCHEMAHERO_PLUGIN_REGISTRY", r.Host()+"/schemahero/plugin")
	return r.Close
}
