package unpack

import (
	"archive/tar"
	"io"
	"path"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

const (
	// A driver's archive holds the driver and perhaps a licence. These bound
	// what is kept in memory to find duplicate names.
	maxEntries = 1000
	maxName    = 1024 // bytes
)

// untar writes the one wanted entry of a tar to w, and reads the rest of it to
// see that it is the only one. headers are the first two that the tar has. o is told
// where the entry begins and ends.
func untar(r io.Reader, w io.ReaderFrom, d Driver, o *observer) (headers []*tar.Header, err error) {
	t := tar.NewReader(r)
	seen := map[string]bool{}
	found := ""
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(headers) < 2 {
			headers = append(headers, h)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			// What git archive writes. Anything but a comment in it would change
			// the meaning of the entries that follow, for some readers of tars.
			for key := range h.PAXRecords {
				if key != "comment" {
					return nil, refuse("has a global header with %q", key)
				}
			}
			continue
		}
		name, err := entry(h)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, refuse("holds %q twice", name)
		}
		if len(seen) == maxEntries {
			return nil, refuse("holds more than %d files", maxEntries)
		}
		seen[name] = true
		if h.Typeflag != tar.TypeReg || !d.wants(name) {
			continue
		}
		if found != "" {
			return nil, refuse("holds both %q and %q", found, name)
		}
		found = name
		if h.Size == 0 {
			return nil, refuse("%q is empty", name)
		}
		o.next()
		if _, err := w.ReadFrom(t); err != nil {
			return nil, err
		}
		o.next()
	}
	if found == "" {
		return nil, refuse("holds no %q", "schemahero-"+d.Name)
	}
	return headers, onlyZeros(r)
}

// entry returns an entry's clean name, or why no archive may hold it.
func entry(h *tar.Header) (string, error) {
	if len(h.Name) > maxName {
		return "", refuse("has a name of %d bytes", len(h.Name))
	}
	// A backslash separates on Windows, and a colon ends a drive or begins a
	// stream there.
	if h.Name == "" || strings.HasPrefix(h.Name, "/") || strings.ContainsAny(h.Name, "\\:\x00") {
		return "", refuse("has the unsafe name %q", h.Name)
	}
	for part := range strings.SplitSeq(h.Name, "/") {
		if part == ".." {
			return "", refuse("has the unsafe name %q", h.Name)
		}
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return "", refuse("holds %q as a sparse file", h.Name)
		}
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeDir:
		return path.Clean(h.Name), nil
	case tar.TypeSymlink, tar.TypeLink:
		return "", refuse("holds %q as a link", h.Name)
	case tar.TypeGNUSparse:
		return "", refuse("holds %q as a sparse file", h.Name)
	case tar.TypeChar, tar.TypeBlock:
		return "", refuse("holds %q as a device", h.Name)
	case tar.TypeFifo:
		return "", refuse("holds %q as a FIFO", h.Name)
	}
	return "", refuse("holds %q as an entry of type %q", h.Name, h.Typeflag)
}

// wants reports whether an entry is the executable: schemahero-NAME, or with
// -OS-ARCH[-VARIANT] behind it, at the top of the archive.
func (d Driver) wants(name string) bool {
	if d.Platform.OS == "windows" {
		name = strings.TrimSuffix(name, ".exe")
	}
	base := "schemahero-" + d.Name
	before, p, _ := artifact.CutPlatform(name)
	return name == base || before == base && (p == d.Platform || p == artifact.Platform{OS: d.Platform.OS, Arch: d.Platform.Arch})
}

// onlyZeros reads what follows a tar's end: padding, or what another reader
// could take for more of the archive.
func onlyZeros(r io.Reader) error {
	buf := make([]byte, 4<<10)
	for {
		n, err := r.Read(buf)
		for _, c := range buf[:n] {
			if c != 0 {
				return refuse("has data after its end")
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
