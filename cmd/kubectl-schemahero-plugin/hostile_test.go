package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdHostile: hostile REGISTRY KIND publishes version 1.0.0 of schemahero/
// plugins/KIND, whose archive for linux/amd64 is hostile in that way.
func cmdHostile(ts *testscript.TestScript, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	kind := args[1]
	p := publisher{ts: ts, url: r.URL, auth: r.user, repo: "schemahero/plugins/" + kind}
	file := "schemahero-" + kind + "-linux-amd64"
	body := driver(kind, "1.0.0", "linux/amd64")
	regular := tar.Header{Name: file, Mode: 0o755, Size: int64(len(body)), Typeflag: tar.TypeReg}
	var headers []tar.Header
	switch kind {
	case "traversal":
		evil := regular
		evil.Name = "../../../evil"
		headers = []tar.Header{evil, regular}
	case "absolute":
		evil := regular
		evil.Name = "/tmp/evil-" + kind
		headers = []tar.Header{evil, regular}
	case "link":
		headers = []tar.Header{{Name: file, Linkname: "/bin/sh", Typeflag: tar.TypeSymlink}}
	case "hardlink":
		headers = []tar.Header{{Name: file, Linkname: "/etc/passwd", Typeflag: tar.TypeLink}}
	case "device":
		headers = []tar.Header{{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}, regular}
	case "two":
		other := regular
		other.Name = "schemahero-" + kind
		headers = []tar.Header{regular, other}
	case "nothing":
		other := regular
		other.Name = "README"
		headers = []tar.Header{other}
	case "bomb":
		body = make([]byte, 64<<20)
		regular.Size = int64(len(body))
		headers = []tar.Header{regular}
	default:
		ts.Fatalf("hostile: unknown kind %q", kind)
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	t := tar.NewWriter(z)
	for _, h := range headers {
		t.WriteHeader(&h)
		if h.Typeflag == tar.TypeReg {
			t.Write(body)
		}
	}
	t.Close()
	z.Close()
	layer := p.blob("application/gzip", file+".tar.gz", b.Bytes())
	p.manifest(typeManifest, object{"artifactType": "application/vnd.schemahero.plugin.v1.multi+tar", "config": p.empty(), "layers": []any{layer}}, "1.0.0")
}
