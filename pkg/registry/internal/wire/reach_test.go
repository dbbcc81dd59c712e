package wire

import "testing"

func TestLeadsInward(t *testing.T) {
	here := []string{"127.0.0.1:80", "127.9.9.9", "localhost", "LOCALHOST.:5000", "a.localhost", "[::1]:80", "[::ffff:127.0.0.1]:1", "0.0.0.0:80", "[::]:80"}
	near := []string{"169.254.169.254", "169.254.0.1:80", "[fe80::1]:80", "[fe80::1%25eth0]", "[febf::1]", "[::ffff:169.254.169.254]"}
	away := []string{"registry.example", "10.0.0.1:5000", "192.168.1.1", "[2001:db8::1]", "localhost.example", "127.0.0.1.example", "[fec0::1]"}
	for from, group := range map[string][]string{"here": here, "near": near, "away": away} {
		for _, f := range group {
			for to, targets := range map[string][]string{"here": here, "near": near, "away": away} {
				for _, target := range targets {
					if refused := leadsInward(f, target) != ""; refused != (to != "away" && to != from) {
						t.Errorf("from %s to %s: refused %v", f, target, refused)
					}
				}
			}
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost:5000": true, "127.0.0.1:5000": true, "127.9.9.9": true, "[::1]:5000": true, "[::1]": true,
		"registry.localhost:80": true, "[::ffff:127.0.0.1]:5": true,
		"localhost.example": false, "128.0.0.1": false, "0.0.0.0:5000": false, "10.0.0.1": false, "notlocalhost": false, "127.0.0.1.nip.io": false, "[::2]": false,
	} {
		if IsLoopback(host) != want {
			t.Errorf("IsLoopback(%q) = %v", host, !want)
		}
	}
}

func TestOneName(t *testing.T) {
	yes := true
	for _, group := range [][]string{
		{"registry.example", "registry.example:443", "Registry.Example"},
		{"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "docker.io:443"},
		{"registry.example:5000"},
		{"[::1]", "[::1]:443"},
	} {
		for _, written := range group {
			o := Options{Hosts: map[string]Host{written: {PlainHTTP: &yes}}}
			for _, asked := range group {
				if h, ok := o.table(asked); !ok || h.PlainHTTP == nil {
					t.Errorf("a table for %s is none for %s", written, asked)
				}
			}
			if _, ok := o.table("other.example"); ok {
				t.Errorf("a table for %s is one for all", written)
			}
		}
	}
	no := false
	o := Options{Hosts: map[string]Host{"h.example": {PlainHTTP: &yes}, "h.example:443": {PlainHTTP: &no}}}
	for host, want := range map[string]bool{"h.example": true, "h.example:443": false} {
		if h, _ := o.table(host); *h.PlainHTTP != want {
			t.Errorf("%s: the other spelling counts", host)
		}
	}
}
