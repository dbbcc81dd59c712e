package registry

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// What stands among the referrers and is no withdrawal that can be read is passed
// over with why, and nothing of it is read beyond its bound: one that says it is
// small and is not, one that is an index, one of another release.
func TestWithdrawals(t *testing.T) {
	now := time.Now()
	subject := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromString("release"), Size: 7}
	said := artifact.Withdrawal{Date: now.Add(-time.Hour), Reason: "loses rows"}
	_, good, err := said.Encode(subject)
	if err != nil {
		t.Fatal(err)
	}
	other := subject
	other.Digest = digest.FromString("another release")
	_, foreign, err := said.Encode(other)
	if err != nil {
		t.Fatal(err)
	}
	manifests := map[string]string{}
	list := []string{}
	for _, m := range []struct{ body, mediaType string }{
		{string(good), ocispec.MediaTypeImageManifest},
		{string(foreign), ocispec.MediaTypeImageManifest},
		{strings.Repeat(" ", 10<<20), ocispec.MediaTypeImageManifest},
		{`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageIndex + `","artifactType":"` + artifact.TypeLifecycle + `","manifests":[]}`, ocispec.MediaTypeImageIndex},
		{"neither", "text/plain"},
	} {
		d := digest.FromString(m.body)
		manifests[d.String()] = m.body
		list = append(list, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":500,"artifactType":%q}`, m.mediaType, d, artifact.TypeLifecycle))
	}
	r := registrytest.New(t)
	r.SetFault(func(_ int, w http.ResponseWriter, req *http.Request) bool {
		if strings.Contains(req.URL.Path, "/referrers/") {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
			fmt.Fprintf(w, `{"schemaVersion":2,"manifests":[%s]}`, strings.Join(list, ","))
			return true
		}
		body, ok := manifests[req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]]
		if ok {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
			fmt.Fprint(w, body)
		}
		return ok
	})
	c, _ := newClient(t, Options{})
	found, err := Withdrawals(t.Context(), repository(t, c, r.Host()+"/db/x"), subject.Digest, now)
	if err != nil {
		t.Fatal(err)
	}
	if w := artifact.Withdrawn(found); w == nil || w.Reason != said.Reason {
		t.Errorf("got %+v", w)
	}
	if refused := artifact.NotCounted(found); len(found) != len(list) || len(refused) != len(list)-1 {
		t.Errorf("%d found, of which are refused %q", len(found), refused)
	}
}
