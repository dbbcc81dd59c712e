package trust

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever stands where a signature is expected becomes a finding: malformed,
// or one that can be verified. Certificates and the JSON of protobuf make this
// slower than other targets: some two thousand runs a second.
func FuzzSignature(f *testing.F) {
	for _, dir := range []string{"keyless/layout", "cosign"} {
		files, err := filepath.Glob("../../testdata/trust/" + dir + "/blobs/sha256/*")
		if err != nil || len(files) == 0 {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			if strings.HasPrefix(string(data), "{") {
				f.Add(data, "bm8=", "", "", "")
			}
		}
	}
	f.Add([]byte(`{"critical":{"image":{"docker-manifest-digest":"sha256:00"}}}`), "bm8=", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
		`{"SignedEntryTimestamp":"AA==","Payload":{"body":"e30=","integratedTime":1,"logIndex":2,"logID":"00"}}`, `{"SignedRFC3161Timestamp":"AA=="}`)
	f.Fuzz(func(t *testing.T, data []byte, signature, certificate, log, timestamp string) {
		notes := map[string]string{noteSignature: signature, noteCertificate: certificate, noteLog: log, noteTimestamp: timestamp}
		for form, got := range map[Form]Finding{
			FormBundle: Finding{Form: FormBundle}.readBundle(data),
			FormSimple: Finding{Form: FormSimple}.readSimple(data, notes),
		} {
			if got.Verified || got.entity == nil && got.Reason != Malformed {
				t.Errorf("%s: %+v", form, got)
			}
			_ = got.String()
		}
		_ = simpleDigest(data)
	})
}
