package ocilayout

import (
	"archive/tar"
	"bytes"
	"context"
	"io"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// header writes a file's header, of whole blocks. Times and owners are nobody's.
func (p part) header() ([]byte, error) {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: p.name, Size: p.size, Mode: p.mode})
	return b.Bytes(), err
}

// WriteTar writes the bundle to a file, which appears when it is whole. If
// everything stands in it is known beforehand, so several blobs are fetched at a
// time, each straight to its place. Errors: *FileError for a file that is
// something else, fetch's, the file system's.
func (b *Bundle) WriteTar(ctx context.Context, file string, fetch Fetch) (err error) {
	if err := CheckFile(file); err != nil {
		return err
	}
	var d disk.Disk
	_, _ = d.SweepFile(file) // the next one tries again
	parts := b.parts()
	headers := make([][]byte, len(parts))
	size := int64(0)
	for i := range parts {
		if headers[i], err = parts[i].header(); err != nil {
			return err
		}
		parts[i].at = size
		size += int64(len(headers[i])) + (parts[i].size+tarBlock-1)/tarBlock*tarBlock
	}
	return d.Replace(file, disk.Writing{Mode: 0o644, Durability: disk.Bytes}, func(temp *disk.Temp) error {
		if err := temp.Truncate(size + 2*tarBlock); err != nil { // its end and all padding are zeros
			return err
		}
		for _, batch := range batches(parts) {
			err := each(ctx, len(batch), func(ctx context.Context, i int) error {
				p := batch[i]
				w := io.NewOffsetWriter(temp, parts[p].at)
				if _, err := w.Write(headers[p]); err != nil {
					return err
				}
				return parts[p].fill(ctx, w, fetch)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
