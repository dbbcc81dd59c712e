package ui

import (
	"bytes"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// What an interrupt leaves is told as it is, and nothing where there was
// nothing to install.
func TestInterrupted(t *testing.T) {
	layer := func(name string) install.Layer {
		return install.Layer{Plugin: name, Platform: artifact.Platform{OS: "linux", Arch: "arm64"}, Digest: digest.FromString(name), Size: 100}
	}
	event := func(kind install.EventKind, name string) install.Event {
		return install.Event{Kind: kind, Layer: layer(name), Done: 40, Total: 100, Item: install.Item{Name: name}}
	}
	all := []install.Event{event(install.EventNeed, "a"), event(install.EventNeed, "b"), event(install.EventNeed, "a")}
	for _, c := range []struct {
		events []install.Event
		want   string
	}{
		{nil, ""},
		{all, "nothing was installed; left to fetch: a linux/arm64, b linux/arm64"},
		{
			append(all, event(install.EventFetch, "a"), event(install.EventFetch, "b"), event(install.EventStaged, "b")),
			"nothing was installed; fetched, and kept for the next run: b linux/arm64; left to fetch: a linux/arm64",
		},
		{
			append(all, event(install.EventStaged, "b"), event(install.EventStaged, "a"), event(install.EventPlaced, "b")),
			"installed: b; fetched, and kept for the next run: a linux/arm64, b linux/arm64",
		},
	} {
		u := New(nil, new(bytes.Buffer), new(bytes.Buffer), func(string) (string, bool) { return "", false })
		told := u.Installing(func(string) string { return "" })
		for _, e := range c.events {
			told(e)
		}
		if got := u.Left(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
