package artifact_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestCheckSum(t *testing.T) {
	const file = "schemahero-x-linux-amd64.tar.gz"
	hex := digest.FromString("archive for linux/amd64").Encoded()
	other := strings.Repeat("0", 64)
	for _, c := range []struct{ name, text, want string }{
		{"as sha256sum writes it", hex + "  " + file + "\n", ""},
		{"in binary mode", hex + " *" + file + "\n", ""},
		{"the hash alone", hex, ""},
		{"upper case, CRLF", strings.ToUpper(hex) + "  " + file + "\r\n", ""},
		{"with a folder before the name", hex + "  ./dist/" + file + "\n", ""},
		{"with the root before the name", hex + "  /" + file + "\n", ""},
		{"with a Windows folder before the name", hex + `  dist\` + file + "\n", ""},
		{"among others", other + "  other\n" + hex + "  " + file + "\n", ""},
		{"another hash", other + "  " + file + "\n", fmt.Sprintf("%s: checksum mismatch: its .sha256 says %s, the layer is %s", file, other, hex)},
		{"another hash alone", other, fmt.Sprintf("%s: checksum mismatch: its .sha256 says %s, the layer is %s", file, other, hex)},
		{"another file", hex + "  other\n", file + ".sha256: does not name " + file},
		{"two hashes alone", hex + "\n" + hex + "\n", file + ".sha256: does not name " + file},
		{"empty", "\n", file + ".sha256: holds no SHA-256"},
		{"no hash", "zz  " + file, file + ".sha256: holds no SHA-256"},
		{"half a hash", hex[:32] + "  " + file, file + ".sha256: holds no SHA-256"},
		{"another algorithm", hex + hex + "  " + file, file + ".sha256: holds no SHA-256"},
		{"huge", hex + strings.Repeat("\n", artifact.MaxMetadata), file + ".sha256: is too large for a checksum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRepository(t)
			r.manifest("0.1.0", artifact.TypeMulti, nil, r.archive("linux/amd64"), r.layer("text/plain", file+".sha256", c.text))
			rel, err := r.read()
			if err != nil {
				t.Fatal(err)
			}
			err = artifact.CheckSum(t.Context(), r, rel.Builds[0])
			if got := fmt.Sprint(err); got != c.want && !(err == nil && c.want == "") {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			var sum *artifact.SumError
			if errors.As(err, &sum) != strings.Contains(c.want, "mismatch") {
				t.Errorf("%T", err)
			}
		})
	}
}

func TestCheckSumReader(t *testing.T) {
	r := newRepository(t)
	r.manifest("0.1.0", artifact.TypeMulti, nil, r.archive("linux/amd64"), r.layer("text/plain", "schemahero-x-linux-amd64.tar.gz.sha256", "sum"))
	rel, err := r.read()
	if err != nil {
		t.Fatal(err)
	}
	b := rel.Builds[0]
	b.Sum.Size-- // a reader that sends more than the manifest states
	if err := artifact.CheckSum(t.Context(), r, b); err == nil || !strings.Contains(err.Error(), "has not the 2 bytes") {
		t.Error(err)
	}
	b.Sum.Size = -1
	if err := artifact.CheckSum(t.Context(), r, b); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Error(err)
	}
	b.Sum.Size = 3
	delete(r.blobs, b.Sum.Digest)
	if err := artifact.CheckSum(t.Context(), r, b); !errors.Is(err, artifact.ErrNotFound) {
		t.Error(err)
	}
	b.Sum = nil
	if err := artifact.CheckSum(t.Context(), r, b); err != nil {
		t.Errorf("nothing published beside it: %v", err)
	}
}
