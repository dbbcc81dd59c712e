package image

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"path"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// linksTo returns the links in a folder of the image by which the host finds a
// file at its top: the driver's name, and its aliases to that.
func linksTo(folder, entry, name string, aliases []string) (links []Link) {
	installed := "schemahero-" + name
	if at := path.Join(folder, installed); at != entry {
		up := ""
		if folder != "" {
			up = strings.Repeat("../", 1+strings.Count(folder, "/"))
		}
		links = append(links, Link{at, up + entry})
	}
	for _, alias := range aliases {
		links = append(links, Link{path.Join(folder, "schemahero-"+alias), installed})
	}
	return links
}

// packLinks makes the layer that holds links. A tar that is not compressed gets
// another digest from who copies it (skopeo does compress it), and one that is
// compressed depends on the compressor: so this is gzip around stored blocks.
func packLinks(links []Link) (data []byte, desc ocispec.Descriptor, diffID digest.Digest, err error) {
	var archive bytes.Buffer
	t := tar.NewWriter(&archive)
	for _, l := range links {
		err := t.WriteHeader(&tar.Header{
			Typeflag: tar.TypeSymlink, Name: l.Path, Linkname: l.Target, Mode: 0o777, ModTime: time.Unix(0, 0),
		})
		if err != nil {
			return nil, desc, "", err
		}
	}
	if err := t.Close(); err != nil {
		return nil, desc, "", err
	}
	data = store(archive.Bytes())
	desc = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.FromBytes(data), Size: int64(len(data))}
	return data, desc, digest.FromBytes(archive.Bytes()), nil
}

// maxStored is the most that one stored block holds, in bytes.
const maxStored = 1<<16 - 1

// store writes a gzip file (RFC 1952) of stored blocks (RFC 1951, 3.2.4), without
// name and time, of an operating system that is not told.
func store(content []byte) []byte {
	out := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}
	for left := content; ; {
		block := left[:min(len(left), maxStored)]
		left = left[len(block):]
		final := byte(0)
		if len(left) == 0 {
			final = 1
		}
		n := uint16(len(block))
		out = append(out, final)
		out = binary.LittleEndian.AppendUint16(out, n)
		out = binary.LittleEndian.AppendUint16(out, ^n)
		out = append(out, block...)
		if final == 1 {
			break
		}
	}
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(content))
	return binary.LittleEndian.AppendUint32(out, uint32(len(content)))
}
