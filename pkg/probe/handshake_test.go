package probe

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseHandshake(t *testing.T) {
	for line, want := range map[string]string{
		"1|1|unix|/tmp/plugin123|netrpc|":       "/tmp/plugin123",
		"1|1|unix|/tmp/plugin123|netrpc":        "/tmp/plugin123",
		"1|1|unix|/tmp/plugin123":               "/tmp/plugin123", // go-plugin before gRPC
		"1|1|tcp|127.0.0.1:1234|netrpc||true\r": "127.0.0.1:1234",
		"1|1|tcp|[::1]:1234|netrpc|":            "[::1]:1234",
	} {
		got, err := parseHandshake("/driver", line)
		if err != nil || got.String() != want {
			t.Errorf("%q: got %v, %v; want %s", line, got, err, want)
		}
	}
	for _, line := range []string{
		"", "1|1", "x|1|unix|/a|netrpc|", "1|x|unix|/a|netrpc|", "2|1|unix|/a|netrpc|", "1|1|unix|/a|grpc|",
		"1|1|udp|127.0.0.1:1|netrpc|", "1|1|tcp|192.0.2.1:1|netrpc|", "1|1|tcp|:1|netrpc|", "1|1|tcp|0.0.0.0:1|netrpc|",
	} {
		if got, err := parseHandshake("/driver", line); err == nil {
			t.Errorf("%q: got %v, want an error", line, got)
		}
	}
}

// A driver's line comes from an untrusted program: whatever it says, nothing
// leaves this machine and nothing reaches a terminal raw.
func FuzzParseHandshake(f *testing.F) {
	f.Add("1|1|unix|/tmp/plugin123|netrpc|")
	f.Add("1|1|tcp|127.0.0.1:1234|netrpc|")
	f.Add("1|2|unix|\x1b[31m|grpc\x07|")
	f.Fuzz(func(t *testing.T, line string) {
		address, err := parseHandshake("/driver", line)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("control characters in %q", err)
			}
			return
		}
		switch a := address.(type) {
		case *net.TCPAddr:
			if !a.IP.IsLoopback() {
				t.Errorf("%q: leaves this machine", line)
			}
		case *net.UnixAddr:
			_ = filepath.Clean(a.Name)
		default:
			t.Errorf("%q: got a %T", line, a)
		}
	})
}
