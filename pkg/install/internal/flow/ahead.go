package flow

import (
	"hash"
	"io"
)

// Ahead reads a source ahead of its consumer.
type Ahead struct {
	buffers *Buffers
	filled  chan piece
	stop    chan struct{}
	done    chan struct{}
	now     piece
	rest    []byte
	err     error

	// Set by the time that Read returns an error or Close returns.
	Size   int64 // bytes that the source gave
	Failed error // the source's own failure; nil where it just ended
}

type piece struct {
	buf *[]byte
	n   int
}

// NewAhead starts reading r, at most limit bytes of it, into sum. told is
// called in the reading goroutine with the number of bytes so far.
func NewAhead(b *Buffers, r io.Reader, limit int64, sum hash.Hash, told func(n int64)) *Ahead {
	a := &Ahead{buffers: b, filled: make(chan piece, depth-1), stop: make(chan struct{}), done: make(chan struct{})}
	go a.run(io.LimitReader(r, limit), sum, told)
	return a
}

func (a *Ahead) run(r io.Reader, sum hash.Hash, told func(int64)) {
	defer close(a.done)
	defer close(a.filled)
	for {
		buf := a.buffers.Get()
		// Not always a full buffer: a slow source should show its progress.
		n, err := fill(r, *buf, least)
		sum.Write((*buf)[:n])
		a.Size += int64(n)
		if n > 0 {
			told(a.Size)
			select {
			case a.filled <- piece{buf, n}:
			case <-a.stop:
				a.buffers.Put(buf)
				return
			}
		} else {
			a.buffers.Put(buf)
		}
		if err != nil {
			if err != io.EOF {
				a.Failed = err
			}
			return
		}
	}
}

// Read implements io.Reader. A failure of the source is returned as it is.
func (a *Ahead) Read(p []byte) (int, error) {
	if len(a.rest) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		a.release()
		var ok bool
		if a.now, ok = <-a.filled; !ok {
			if a.err = a.Failed; a.err == nil {
				a.err = io.EOF
			}
			return 0, a.err
		}
		a.rest = (*a.now.buf)[:a.now.n]
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

func (a *Ahead) release() {
	if a.now.buf != nil {
		a.buffers.Put(a.now.buf)
		a.now = piece{}
	}
}

// Drain reads the source to its end, or its limit, and throws the rest away.
func (a *Ahead) Drain() {
	a.release()
	a.rest = nil
	for p := range a.filled {
		a.buffers.Put(p.buf)
	}
	<-a.done
}

// Close stops reading. It waits for a Read of the source that is under way, so
// whoever wants to end that must close the source first.
func (a *Ahead) Close() {
	close(a.stop)
	a.Drain()
}
