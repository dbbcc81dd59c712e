package artifact_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// What ParseSum takes is a SHA-256 that the text holds, for that file.
func FuzzParseSum(f *testing.F) {
	const hex = "9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for _, s := range []string{hex, hex + "  a.tar.gz\n", hex + " *dist/a.tar.gz\r\n", "# x\n" + hex + "  b\n" + hex + "  a.tar.gz"} {
		f.Add(s, "a.tar.gz")
	}
	f.Fuzz(func(t *testing.T, text, file string) {
		sum, err := artifact.ParseSum(text, file)
		if err != nil {
			return
		}
		if !artifact.IsDigest("sha256:"+sum) || !strings.Contains(strings.ToLower(text), sum) {
			t.Errorf("%q, %q: got %q", text, file, sum)
		}
		if strings.Contains(strings.TrimSpace(text), " ") && !strings.Contains(text, file) {
			t.Errorf("%q does not name %q", text, file)
		}
	})
}

// Platforms are read back from what they are written as, in every form.
func FuzzParsePlatform(f *testing.F) {
	for _, s := range []string{"linux/amd64", "linux/arm64/v8", "windows/x86_64", "schemahero-a-linux-arm-v7", "linux//"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := artifact.ParseMachine(s); err == nil {
			again, err := artifact.ParsePlatform(p.String())
			if before, cut, ok := artifact.CutPlatform("x-" + p.Suffix()); err != nil || again != p || !ok || cut != p || before != "x" {
				t.Errorf("%q is %v, then %v and %v: %v", s, p, again, cut, err)
			}
		}
		if before, p, ok := artifact.CutPlatform(s); ok && !strings.HasPrefix(s, before+"-") || ok == p.IsZero() {
			t.Errorf("%q is cut into %q and %v", s, before, p)
		}
	})
}

// A repository's name ends in URLs and file paths: what is taken cannot leave
// them.
func FuzzCheckRepository(f *testing.F) {
	for _, s := range []string{"docker.io/schemahero/plugin-postgres", "[::1]:5000/a/b__c", "oci-layout:a/b", "oci-layout:../a", "h:70000/a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if artifact.CheckRepository(s) != nil {
			return
		}
		host, path, ok := strings.Cut(s, "/")
		if dir, layout := strings.CutPrefix(s, artifact.LayoutScheme); layout {
			host, path, ok = "", dir, true
		}
		odd := func(r rune) bool {
			return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`\?#%@`, r) && host != ""
		}
		if !ok || path == "" || strings.Contains("/"+path+"/", "/../") || strings.Contains("/"+path+"/", "//") || strings.ContainsFunc(s, odd) {
			t.Errorf("%q is taken", s)
		}
	})
}

// Whatever a manifest says, what counts of it names the subject, has come, and is
// one line of bounded length.
func FuzzReadWithdrawal(f *testing.F) {
	subject := digest.FromString("release")
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for _, w := range []artifact.Withdrawal{{Date: now, Reason: "loses rows", Replacement: "0.1.3"}, {Date: now.Add(time.Hour), Reason: "a\nb"}} {
		desc, data, err := w.Encode(ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: subject, Size: 7})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(desc.MediaType, data)
	}
	f.Fuzz(func(t *testing.T, mediaType string, data []byte) {
		w, ok := artifact.ReadWithdrawal(ocispec.Descriptor{MediaType: mediaType}, data, subject, now)
		if strings.ContainsFunc(w.Reason, unicode.IsControl) || len(w.Reason) > artifact.MaxReason || strings.ContainsFunc(w.Replacement, unicode.IsSpace) {
			t.Errorf("%q, %q", w.Reason, w.Replacement)
		}
		if ok && w.Refused == nil && (w.Date.After(now) || !strings.Contains(string(data), subject.Encoded())) {
			t.Errorf("counts: %+v", w)
		}
	})
}
