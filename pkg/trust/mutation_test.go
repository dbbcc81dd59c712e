package trust

import (
	"bytes"
	"testing"
)

// A bundle with any one byte changed, or cut anywhere, is read to an end, and
// verifies only if what it signs is unchanged: the hint at the key, say, is
// nothing that counts. Fuzzing would instrument all that sigstore-go imports.
func TestEveryByteOfABundle(t *testing.T) {
	k, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("mutated")
	good, err := newBundle(t.Context(), d.Digest, k)
	if err != nil {
		t.Fatal(err)
	}
	want := Finding{}.readBundle(good).entity.GetDsseEnvelope().GetPayload()
	v := newVerifier(t)
	verified := func(data []byte) bool {
		c := newCollector(repo, d.Digest)
		f, err := v.check(t.Context(), c, Finding{Form: FormBundle}.readBundle(data), &rule)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if f.Verified && !bytes.Equal(f.entity.GetDsseEnvelope().GetPayload(), want) {
			t.Errorf("verifies: %s", data)
		}
		return f.Verified
	}
	if !verified(good) {
		t.Fatal("the bundle itself does not verify")
	}
	survived := 0
	for i := range good {
		if verified(good[:i]) {
			t.Errorf("verifies when cut after %d of %d bytes", i, len(good))
		}
		changed := bytes.Clone(good)
		changed[i] ^= 1
		if verified(changed) {
			survived++
		}
	}
	if survived > len(good)/4 {
		t.Errorf("%d of %d changes are not noticed", survived, len(good))
	}
}
