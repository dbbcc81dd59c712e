package artifact_test

import (
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// A version's own tag can go after it was listed: nothing can be said then of those
// that should name the version.
func TestStrays(t *testing.T) {
	r := newRepository(t)
	r.platformTags("linux/amd64", "linux/arm64")
	r.tags["0.1.0"], r.tags["latest"] = r.tags["0.1.0-linux-amd64"], r.tags["0.1.0-linux-arm64"]
	tags := []string{"0.1.0", "latest"}
	strays, err := artifact.Strays(t.Context(), r, tags)
	if err != nil || len(strays) != 3 || strays[0].Tag != "0" || strays[0].Now != "" || strays[2].Tag != "latest" || strays[2].Now == "" {
		t.Errorf("got %+v, %v", strays, err)
	}
	delete(r.tags, "0.1.0")
	if strays, err := artifact.Strays(t.Context(), r, tags); err != nil || len(strays) != 0 {
		t.Errorf("of a version that is gone: %+v, %v", strays, err)
	}
}
