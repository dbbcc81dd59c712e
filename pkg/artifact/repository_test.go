package artifact_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestCheckRepository(t *testing.T) {
	for _, s := range []string{
		"docker.io/schemahero/plugin-postgres", "localhost:5000/x", "127.0.0.1:5000/a/b/c", "[::1]:5000/x", "[fe80::1]/x",
		"registry.internal/db/schemahero-oracle", "Registry.Internal/x", "registry/x", "a.b/x.y_z__w-v--u/0", "az09.AZ:65535/az09", "host/" + strings.Repeat("a", 250),
		"oci-layout:vendor/plugins/postgres", "oci-layout:vendor", "oci-layout:Vendor/My-Plugins/x", "oci-layout:..x/y..",
	} {
		if err := artifact.CheckRepository(s); err != nil {
			t.Error(err)
		}
	}
	for _, s := range []string{
		"", "x", "host", "host/", "/path", "http://host/x", "http://e vil", "oci://host/x", "host/e vil", "host/x\n", "host/x\x00", "host/\u00a0x",
		"host/../x", "host/./x", "host//x", "host/X", "host/x/", "host/-x", "host/x-", "host/x___y", "host/x..y", "host/x._y", "host/ä",
		"host/x:tag", "host/x@sha256:00", "host/{name}", "host/x?y", "host/x#y", `host\x/y`, "host/\xff", "user@host/x", "user:pw@host/x",
		"-host/x", "host-/x", "a..b/x", ".a/x", "a_b/x", "host:/x", "host:0/x", "host:00080/x", "host:65536/x", "host:+80/x", "host:80:80/x",
		"[::1/x", "[]/x", "[::g]/x", "[::1]5000/x", "[::1]:/x", "[1]/x",
		"host/" + strings.Repeat("a", 251),
		"oci-layout:", "oci-layout:/etc", "oci-layout:..", "oci-layout:../x", "oci-layout:a/../b", "oci-layout:a//b", "oci-layout:./a", "oci-layout:a/",
		`oci-layout:a\..\b`, "oci-layout:C:/x", "oci-layout:a b",
	} {
		var bad *artifact.RepositoryError
		if err := artifact.CheckRepository(s); !errors.As(err, &bad) || bad.Text != s || bad.Reason == "" {
			t.Errorf("CheckRepository(%q) = %v", s, err)
		}
	}
}

func TestReference(t *testing.T) {
	for want, parts := range map[string][2]string{
		"host/x:1.0.0": {"host/x", "1.0.0"}, "host/x@sha256:aa": {"host/x", "sha256:aa"}, "host/x": {"host/x", ""}, "1.0.0": {"", "1.0.0"}, "": {},
	} {
		if got := artifact.Reference(parts[0], parts[1]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestIsDigest(t *testing.T) {
	hex := strings.Repeat("0123456789abcdef", 4)
	if !artifact.IsDigest("sha256:" + hex) {
		t.Error("a SHA-256 is refused")
	}
	for _, s := range []string{
		"", hex, "sha256:", "sha256:zz", "sha256:" + hex[1:], "sha256:" + hex + "0", "sha256:" + strings.ToUpper(hex), "SHA256:" + hex,
		"sha512:" + hex + hex, " sha256:" + hex, "sha256:" + hex + "\n", "sha256:" + hex[:62] + "/.",
	} {
		if artifact.IsDigest(s) {
			t.Errorf("IsDigest(%q) = true", s)
		}
	}
}

func TestIsConstraint(t *testing.T) {
	for _, s := range []string{"*", "^0.1", ">=1, <3", "1.x || >=2.5.0", "~1.2.3-0", " >=0.24 "} {
		if !artifact.IsConstraint(s) {
			t.Errorf("IsConstraint(%q) = false", s)
		}
	}
	for _, s := range []string{"", " ", "latest", ">=", "1 ||", ">=1\n", ">=1\x00", strings.Repeat(">=1,", 1000) + ">=1"} {
		if artifact.IsConstraint(s) {
			t.Errorf("IsConstraint(%q) = true", s)
		}
	}
}

func TestCheckFile(t *testing.T) {
	for _, s := range []string{"schemahero-x-linux-amd64.tar.gz", "x", "..x", strings.Repeat("a", 255), "ä"} {
		if err := artifact.CheckFile(s); err != nil {
			t.Error(err)
		}
	}
	for _, s := range []string{"", ".", "..", "../../evil", "/etc/passwd", `..\evil`, `C:evil`, "a/b", "a\x00", "a\n", "a\x7f", "a\u0085", "\xff", strings.Repeat("a", 256)} {
		if err := artifact.CheckFile(s); err == nil {
			t.Errorf("CheckFile(%q) = nil", s)
		}
	}
}
