package resolve

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// withdraw says of a version of postgres that it was withdrawn.
func (r *registries) withdraw(version, reason string) {
	if r.withdrawn == nil {
		r.withdrawn = map[digest.Digest][]artifact.Withdrawal{}
	}
	root := r.repo(official + "/postgres").tags[version]
	r.withdrawn[root] = []artifact.Withdrawal{{Manifest: "sha256:x", Date: noon(), Reason: reason, Replacement: "0.1.0"}}
}

// A proof says who withdrew what, and whoever has it locked keeps it.
func TestWithdrawn(t *testing.T) {
	r := newRegistries(t)
	r.publish("postgres", "0.1.0", "0.1.1")
	r.repo(official+"/timescaledb").index("0.1.0", release{requires: map[string]string{"postgres": ">=0.1.1"}})
	const manifest = "[plugins]\ntimescaledb = \"*\"\n"
	locked := r.lock(manifest, Options{}).Lock
	r.withdraw("0.1.1", "loses rows")
	_, err := Resolve(context.Background(), r, Options{Manifest: parse(t, manifest), Now: noon()})
	var conflict *ConflictError
	if !errors.As(err, &conflict) || !strings.Contains(conflict.Proof, "postgres 0.1.1 was withdrawn on "+noon().Format("2006-01-02")+": loses rows; take 0.1.0") {
		t.Errorf("got %v", err)
	}
	for _, o := range []Options{{}, {UpgradeAll: true}} {
		o.Manifest, o.Locked, o.Now = parse(t, manifest), locked, noon()
		kept, err := Resolve(context.Background(), r, o)
		if err != nil || string(kept.Lock.Encode()) != string(locked.Encode()) {
			t.Errorf("with what is locked, %+v: %v", o.UpgradeAll, err)
		}
	}
}
