package peers

import (
	"fmt"
	"testing"
)

// The real host downloads by itself what push and mirror gave its own tags, from
// registries that have nothing else. It speaks HTTPS alone, and takes the first
// tag X-ARCH that it is told of: v0.24, as v0.25.
func TestHostTags(t *testing.T) {
	for _, compression := range []string{"gzip", "gzip,zstd"} { // the host knows no zstd
		t.Run(compression, func(t *testing.T) { testHostTags(t, compression) })
	}
}

func testHostTags(t *testing.T, compression string) {
	ca := newAuthority(t)
	first, second := startDistribution(t, "", access{tls: ca}), startDebian(t, "", access{tls: ca})
	publisher := newAuthor(t, first)
	for _, v := range []string{newer, older} { // the older one later: nothing moves down
		args := []string{"push", "postgres", v, "--registry", first.addr + "/acme/plugin-{name}", "--host-tags", "--compression", compression, "--ca-file", ca.certFile}
		for _, p := range platforms {
			args = append(args, "--platform", p+"="+driver(t, "postgres", v, p))
		}
		publisher.ok(args...)
	}
	carrier := newProject(t, fmt.Sprintf("registry = %q\n[plugins]\npostgres = %q\n", first.addr+"/acme/plugin-{name}", older))
	carrier.ok("lock", "--ca-file", ca.certFile)
	carrier.ok("mirror", second.addr, "--host-tags", "--ca-file", ca.certFile)
	for want, reg := range map[string]*registry{newer: first, older: second} {
		user := newProject(t, "", "SSL_CERT_FILE="+ca.certFile, "SCHEMAHERO_PLUGIN_REGISTRY="+reg.addr+"/acme/plugin")
		if got := user.plan("postgres", "postgres://u:p@127.0.0.1/shop"); got != usersDDL {
			t.Errorf("the host plans %q", got)
		}
		same(t, user.installed("postgres"), driver(t, "postgres", want, hostPlatform()))
	}
}
