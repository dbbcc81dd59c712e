package flow

import (
	"hash"
	"io"
)

// Behind writes what it is given behind its producer's back.
type Behind struct {
	buffers *Buffers
	filled  chan piece
	done    chan struct{}
	failed  chan struct{} // closed when err is set
	err     error

	// Size is the number of bytes written; set by the time that Close returns.
	Size int64
}

// NewBehind starts writing to w and into sum.
func NewBehind(b *Buffers, w io.Writer, sum hash.Hash) *Behind {
	q := &Behind{buffers: b, filled: make(chan piece, depth-1), done: make(chan struct{}), failed: make(chan struct{})}
	go q.run(w, sum)
	return q
}

func (q *Behind) run(w io.Writer, sum hash.Hash) {
	defer close(q.done)
	for p := range q.filled {
		if q.err == nil {
			data := (*p.buf)[:p.n]
			n, err := w.Write(data)
			sum.Write(data[:n])
			q.Size += int64(n)
			if err != nil {
				q.err = err
				close(q.failed)
			}
		}
		q.buffers.Put(p.buf)
	}
}

// ReadFrom implements io.ReaderFrom: it takes all of r, until that ends or
// writing fails.
func (q *Behind) ReadFrom(r io.Reader) (int64, error) {
	var total int64
	for {
		buf := q.buffers.Get()
		n, err := fill(r, *buf, chunk)
		if n == 0 {
			q.buffers.Put(buf)
		} else {
			select {
			case q.filled <- piece{buf, n}:
				total += int64(n)
			case <-q.failed:
				q.buffers.Put(buf)
				return total, q.err
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// Close waits until all is written, and returns the first failure to write.
func (q *Behind) Close() error {
	close(q.filled)
	<-q.done
	return q.err
}
