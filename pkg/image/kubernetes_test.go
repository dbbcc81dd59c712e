package image_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	repository = "registry.example.com/shop/drivers"
	pinned     = digest.Digest("sha256:d0be04038ec18cd06d6abb17437456b02b322ff8eab16b63df16b1e9a0caa104")
)

// policies are the golden files, by name. testdata/peers applies each to a real API
// server, in namespaces of its own.
func policies() map[string]image.PolicyOptions {
	all := map[string]image.PolicyOptions{
		"beta":      {Beta: true, Deny: true, Mount: "/var/lib/schemahero/plugins/"},
		"beta-init": {Beta: true, Deny: true, Mount: "/opt/drivers", Copier: "registry.example.com/busybox@sha256:" + strings.Repeat("0", 64)},
	}
	for _, on := range []string{"statefulsets", "pods"} {
		o := image.PolicyOptions{Pods: on == "pods"}
		all[on] = o
		o.Deny = true
		all[on+"-deny"] = o
		o.PullSecret = "drivers-registry"
		all[on+"-deny-secret"] = o
		o.Copier = image.Copier
		all[on+"-init-deny-secret"] = o
		o.PullSecret, o.Deny = "", false
		all[on+"-init"] = o
	}
	for name, o := range all {
		o.Name, o.Lock, o.Namespaces = name, "schemahero-plugins.lock", []string{name + "-too", name, name}
		all[name] = o
	}
	all["everywhere"] = image.PolicyOptions{Deny: true}
	return all
}

func TestPolicy(t *testing.T) {
	golden := filepath.Join("testdata", "kubernetes")
	for name, o := range policies() {
		file := filepath.Join(golden, name+".yaml")
		got, err := image.Policy(repository, pinned, o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if *update {
			if err := os.MkdirAll(golden, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: is not what %s holds (%v): if it is to be, -update writes it", name, file, err)
		}
		if again, err := image.Policy(repository, pinned, o); err != nil || !bytes.Equal(got, again) {
			t.Errorf("%s: is not the same the second time (%v)", name, err)
		}
	}
	if files, err := filepath.Glob(filepath.Join(golden, "*")); err != nil || len(files) != len(policies()) {
		t.Errorf("%s has %d files, of %d policies (%v)", golden, len(files), len(policies()), err)
	}
}

// What cannot stand in a policy is refused, for an API server takes a policy whose
// CEL it cannot compile, and then refuses every pod.
func TestPolicyRefuses(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		repository string
		o          image.PolicyOptions
		want       string
	}{
		{"oci-layout:drivers", image.PolicyOptions{}, `oci-layout:drivers: is a folder, from which no cluster pulls`},
		{"acme/drivers", image.PolicyOptions{}, `"acme/drivers": begins with the registry's host, like docker.io`},
		{"registry.example.com/drivers:1", image.PolicyOptions{}, `is not part of a repository's path`},
		{`registry.example.com/d"rivers`, image.PolicyOptions{}, `is not part of a repository's path`},
		{repository, image.PolicyOptions{Name: "Shop"}, `"Shop": is not the name of an object`},
		{repository, image.PolicyOptions{Name: strings.Repeat(long+".", 4)}, `is not the name of an object`},
		{repository, image.PolicyOptions{Namespaces: []string{"ok", ""}}, `"": is not the name of a namespace`},
		{repository, image.PolicyOptions{Namespaces: []string{"a.b"}}, `"a.b": is not the name of a namespace`},
		{repository, image.PolicyOptions{Namespaces: []string{long}}, `is not the name of a namespace`},
		{repository, image.PolicyOptions{Namespaces: []string{"a\nb"}}, `"a\nb": is not the name of a namespace`},
		{repository, image.PolicyOptions{PullSecret: "-"}, `"-": is not the name of a secret`},
		{repository, image.PolicyOptions{Mount: "plugins"}, `"plugins": is not an absolute path`},
		{repository, image.PolicyOptions{Mount: "/"}, `"/": is not a directory to mount drivers at`},
		{repository, image.PolicyOptions{Mount: `/a"b`}, `is not a directory to mount drivers at`},
		{repository, image.PolicyOptions{Mount: "/a b"}, `is not a directory to mount drivers at`},
		{repository, image.PolicyOptions{Copier: `busy"box`}, `is not an image`},
		{repository, image.PolicyOptions{Copier: "/busybox"}, `"/busybox": is not an image`},
		{repository, image.PolicyOptions{Copier: "docker.io//busybox"}, `is not an image`},
		{repository, image.PolicyOptions{Copier: "https://docker.io/busybox"}, `is not an image`},
		{repository, image.PolicyOptions{Copier: "docker.io/busybox:1:2"}, `is not an image`},
		{repository, image.PolicyOptions{Copier: "docker.io/busybox:-1"}, `is not an image`},
		{repository, image.PolicyOptions{Copier: "docker.io/Busybox"}, `is not an image`},
		{repository, image.PolicyOptions{Copier: "docker.io/busybox@sha256:12"}, `is not an image`},
		{repository, image.PolicyOptions{Copier: "busybox:" + strings.Repeat(long, 2) + "a"}, `is not an image`},
	} {
		text, err := image.Policy(c.repository, pinned, c.o)
		if err == nil || text != nil || !strings.Contains(err.Error(), c.want) || fault.Of(err) != fault.Usage {
			t.Errorf("%s %+v: %v, want %q", c.repository, c.o, err, c.want)
		}
		if _, ok := errors.AsType[*artifact.RepositoryError](err); !ok {
			if _, ok := errors.AsType[*image.OptionError](err); !ok {
				t.Errorf("%s %+v: the error is a %T", c.repository, c.o, err)
			}
		}
	}
}
