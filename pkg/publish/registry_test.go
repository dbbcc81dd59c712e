package publish_test

import (
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// Over HTTP: what is pushed is read back, and pushed again costs nothing but
// questions.
func TestPushToRegistry(t *testing.T) {
	reg := registrytest.New(t)
	client, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	repo, err := client.Target(reg.Host() + "/schemahero/plugins/postgres")
	if err != nil {
		t.Fatal(err)
	}
	r := release(t, "0.1.0", "text")
	o := publish.Options{Temp: t.TempDir()}
	first, err := publish.Push(t.Context(), repo, r, o)
	if err != nil {
		t.Fatal(err)
	}
	rel, err := artifact.ReadReference(t.Context(), repo, "postgres", "latest")
	if err != nil || rel.Digest != first.Digest || rel.Version != "0.1.0" || len(rel.Builds) != 2 {
		t.Fatalf("read back %+v, %v", rel, err)
	}
	for _, b := range rel.Builds {
		if err := artifact.CheckSum(t.Context(), repo, b); err != nil {
			t.Error(err)
		}
	}
	reg.SetFault(nil)
	again, err := publish.Push(t.Context(), repo, r, o)
	if err != nil || !again.Kept || again.Digest != first.Digest {
		t.Errorf("again: %+v, %v", again, err)
	}
	if seen := reg.Seen(); len(seen) != reg.Count("HEAD")+reg.Count("GET") {
		t.Errorf("pushed again: %v", seen)
	}
	other, err := client.Target(reg.Host() + "/copies/postgres")
	if err != nil {
		t.Fatal(err)
	}
	copied, err := publish.Republish(t.Context(), other, repo, "0.1.0", publish.Release{Name: "postgres"}, o)
	if err != nil || copied.Digest != first.Digest {
		t.Errorf("an index published elsewhere is %+v, %v, want %s", copied, err, first.Digest)
	}
}
