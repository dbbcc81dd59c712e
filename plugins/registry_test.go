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

// exampleServer is a registry on loopback.
type exampleServer struct {
	host string
	stop func()
	dir  string
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func startRegistry() *exampleServer {
	dir, err := os.MkdirTemp("", "registry")
	check(err)
	store, err := serve.Open(dir)
	check(err)
	server := httptest.NewServer(store)
	return &exampleServer{host: strings.TrimPrefix(server.URL, "http://"), dir: dir, stop: func() {
		server.Close()
		store.Close()
		os.RemoveAll(dir)
	}}
}

// push publishes a driver for this machine as HOST/schemahero/plugin-NAME.
func (s *exampleServer) push(name, version string) {
	file := filepath.Join(s.dir, "driver")
	check(os.WriteFile(file, []byte("#!/bin/sh\necho "+name+" "+version+"\n"), 0o755))
	client, err := registry.New(registry.Options{})
	check(err)
	repo, err := client.Repository(s.host + "/schemahero/plugin-" + name)
	check(err)
	_, err = publish.Push(context.Background(), repo, publish.Release{
		Name: name, Version: version, Created: time.Unix(0, 0),
		Files: map[artifact.Platform]string{{OS: runtime.GOOS, Arch: runtime.GOARCH}: file},
	}, publish.Options{Force: true, Temp: s.dir}) // a script is no format of executables that is known
	check(err)
}

// exampleRegistry starts a registry with one driver, points the environment at
// it, and returns what ends it.
func exampleRegistry(name, version string) (stop func()) {
	s := startRegistry()
	s.push(name, version)
	os.Setenv("SCHEMAHERO_PLUGIN_REGISTRY", s.host+"/schemahero/plugin")
	return s.stop
}
