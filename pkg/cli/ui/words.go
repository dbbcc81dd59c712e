package ui

import (
	"fmt"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Bytes writes a number of bytes for a person.
func Bytes(n int64) string {
	switch {
	case n >= 10_000_000_000:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 10_000:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// Time writes a time as objects have it (RFC 3339); "" for none.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Count writes "1 driver" or "3 drivers".
func Count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Sent writes what went to a registry, and what did not have to.
func Sent(t registry.Traffic) string {
	text := fmt.Sprintf("sent: %s, %s", Bytes(t.BytesSent), Count(t.BlobsSent, "blob"))
	if t.BlobsMounted > 0 {
		text += fmt.Sprintf("; taken from another repository: %d", t.BlobsMounted)
	}
	if t.BlobsSkipped > 0 {
		text += fmt.Sprintf("; there already: %d", t.BlobsSkipped)
	}
	return text
}

// Version writes a version, or that there is none.
func Version(s string) string {
	if s == "" {
		return "(no version)"
	}
	return s
}

// HostTakes says what the host does instead of loading a driver: it finds another
// file of the name first.
func HostTakes(first install.Found) string {
	if first.Problem == "" {
		return "the host would load " + first.Path
	}
	return "the host finds " + first.Path + " first, which " + first.Problem + ", and then takes what is in ~/.schemahero/plugins, or downloads a driver"
}
