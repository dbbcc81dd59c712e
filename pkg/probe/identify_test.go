//go:build unix

package probe

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestIdentify(t *testing.T) {
	for _, behaviour := range []string{"good", "noisy", "stays"} {
		t.Run(behaviour, func(t *testing.T) {
			t.Parallel()
			got, err := Identify(t.Context(), fakeDriver(t, behaviour))
			if err != nil {
				t.Fatal(err)
			}
			want := Identity{Name: "postgres", Version: "0.1.2", Engines: []string{"postgres", "postgresql"}}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// A driver sees nothing of the caller's environment and reads no input.
func TestIdentifyGivesNothingAway(t *testing.T) {
	t.Setenv("PGPASSWORD", "secret")
	got, err := Identify(t.Context(), fakeDriver(t, "environ"))
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{}
	for _, e := range got.Engines {
		key, _, _ := strings.Cut(e, "=")
		keys = append(keys, key)
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "PWD" }) // os/exec adds it with Dir
	slices.Sort(keys)
	want := []string{"PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR", "SCHEMAHERO_PLUGIN", "TMPDIR"}
	if !slices.Equal(keys, want) {
		t.Errorf("the driver was given %v, want only %v", keys, want)
	}
}

// Nothing of a probe stays in the folder for temporary files.
func TestIdentifyCleansUp(t *testing.T) {
	dir, err := os.MkdirTemp("", "t") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	t.Setenv("TMPDIR", dir)
	for _, behaviour := range []string{"good", "drops"} {
		_, _ = Identify(t.Context(), fakeDriver(t, behaviour))
		left, err := filepath.Glob(filepath.Join(dir, "probe-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("%s: left %v, %v", behaviour, left, err)
		}
	}
}

func TestIdentifyHandshakeErrors(t *testing.T) {
	for behaviour, want := range map[string]struct{ problem, stderr string }{
		"exits":     {"ended with exit status 127 before the handshake", "libfoo.so.1"},
		"talks":     {`not a plugin: it wrote "usage: \x1b[31mtalks`, ""},
		"endless":   {"not a plugin: its first line of output does not end", ""},
		"elsewhere": {"listens on an address that is not this machine's", ""},
		"gone":      {"cannot be reached on the address that it names", ""},
		"drops":     {"Dispenser.Dispense: ", ""},
		"refuses":   {"Dispenser.Dispense: unknown plugin type: database", ""},
		"colours":   {`"Dispenser.Dispense: \x1b[31mno"`, ""},
		"confused":  {"answers for another driver", ""},
		"nameless":  {"states no name", ""},
		"idle":      {"serves no engine", ""},
		"floods":    {"sends more than 4 MiB", ""},
	} {
		t.Run(behaviour, func(t *testing.T) {
			t.Parallel()
			path := fakeDriver(t, behaviour)
			_, err := Identify(t.Context(), path)
			var h *HandshakeError
			if !errors.As(err, &h) {
				t.Fatalf("got %T %v, want a HandshakeError", err, err)
			}
			if h.Path != path || !strings.Contains(h.Problem, want.problem) || !strings.Contains(h.Stderr, want.stderr) {
				t.Errorf("got %q, standard error %q; want %q, %q", h.Problem, h.Stderr, want.problem, want.stderr)
			}
		})
	}
}

func TestIdentifyOtherProtocols(t *testing.T) {
	for behaviour, want := range map[string]ProtocolError{
		"grpc":  {Core: 1, App: 1, RPC: "grpc"},
		"newer": {Core: 1, App: 2, RPC: "netrpc"},
	} {
		want.Path = fakeDriver(t, behaviour)
		_, err := Identify(t.Context(), want.Path)
		var p *ProtocolError
		if !errors.As(err, &p) || *p != want {
			t.Errorf("%s: got %v, want %v", behaviour, err, &want)
		}
	}
}

// A driver that never answers costs its time limit, not more.
func TestIdentifyTimeLimit(t *testing.T) {
	for _, behaviour := range []string{"silent", "deaf"} {
		t.Run(behaviour, func(t *testing.T) {
			t.Parallel()
			// A caller that has more time than that waits no longer.
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_, err := identify(ctx, fakeDriver(t, behaviour), 300*time.Millisecond)
			var e *TimeoutError
			if !errors.As(err, &e) || errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %T %v, want a TimeoutError", err, err)
			}
			if behaviour == "silent" && e.Stderr != "waiting for the database" {
				t.Errorf("standard error is %q", e.Stderr)
			}
		})
	}
}

func TestIdentifyCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Identify(ctx, fakeDriver(t, "silent"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := Identify(ctx, fakeDriver(t, "silent")); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*TimeoutError)) {
		t.Errorf("got %v", err)
	}
}

func TestIdentifyFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if _, err := Identify(t.Context(), filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: got %v", err)
	}
	var h *HandshakeError
	if _, err := Identify(t.Context(), dir); !errors.As(err, &h) {
		t.Errorf("a folder: got %v", err)
	}
	if _, err := Identify(t.Context(), write("plain", []byte("x"), 0o644)); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("not executable: got %v", err)
	}
	var p *PlatformError
	if _, err := Identify(t.Context(), write("text", []byte("neither fish nor flesh\n"), 0o755)); !errors.As(err, &p) || p.OS != "" {
		t.Errorf("text: got %v", err)
	}
	_, err := Identify(t.Context(), write("foreign", elfFile("s390x", ""), 0o755))
	if !errors.As(err, &p) || !strings.HasSuffix(err.Error(), ": built for linux/s390x, not for this machine") {
		t.Errorf("foreign: got %v", err)
	}
}
