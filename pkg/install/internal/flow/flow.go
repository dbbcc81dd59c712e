// Package flow lets the two ends of a stream work while its middle does: the
// source is read and hashed ahead, the result hashed and written behind, each
// in a goroutine of its own with a few buffers, so that inflating one driver
// keeps more than one processor busy and memory stays the same for any size.
package flow

import (
	"io"
	"sync"
)

const (
	chunk = 256 << 10 // bytes in a buffer
	least = 32 << 10  // bytes worth passing on
	depth = 3         // buffers on the way in each direction
)

// Buffers lends out buffers. The zero value is ready.
type Buffers struct{ pool sync.Pool }

// Get returns a buffer of 256 KiB.
func (b *Buffers) Get() *[]byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return p
	}
	p := make([]byte, chunk)
	return &p
}

// Put takes a buffer back.
func (b *Buffers) Put(p *[]byte) { b.pool.Put(p) }

// fill reads until there are at least so many bytes. Unlike io.ReadAtLeast it
// leaves the reader's error as it is, so that an end is told from a failure.
func fill(r io.Reader, buf []byte, least int) (n int, err error) {
	for n < least && err == nil {
		var k int
		k, err = r.Read(buf[n:])
		n += k
	}
	return n, err
}
