package flow

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{3}).Read(b)
	return b
}

var sizes = []int{0, 1, least - 1, least, chunk - 1, chunk, chunk + 1, 3*chunk + 7}

func TestAhead(t *testing.T) {
	for _, n := range sizes {
		for title, wrap := range map[string]func(io.Reader) io.Reader{
			"plain": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "end with data": iotest.DataErrReader,
		} {
			data := noise(n)
			sum := sha256.New()
			var told int64
			a := NewAhead(&Buffers{}, wrap(bytes.NewReader(data)), int64(n)+9, sum, func(n int64) { told = n })
			got, err := io.ReadAll(a)
			a.Drain()
			want := sha256.Sum256(data)
			if err != nil || !bytes.Equal(got, data) || a.Size != int64(n) || told != int64(n) || a.Failed != nil || [32]byte(sum.Sum(nil)) != want {
				t.Errorf("%d bytes, %s: got %d of %d, told %d, %v, %v", n, title, len(got), a.Size, told, err, a.Failed)
			}
		}
	}
}

func TestAheadStops(t *testing.T) {
	lost := errors.New("lost")
	data := noise(2*chunk + 9)
	a := NewAhead(&Buffers{}, io.MultiReader(bytes.NewReader(data), iotest.ErrReader(lost)), 1<<40, sha256.New(), func(int64) {})
	got, err := io.ReadAll(a)
	if !bytes.Equal(got, data) || err != lost || a.Failed != lost {
		t.Errorf("%d bytes, %v, %v", len(got), err, a.Failed)
	}
	if _, err := a.Read(make([]byte, 1)); err != lost {
		t.Errorf("again: %v", err)
	}

	// No more than the limit, and the rest counts though nobody reads it.
	a = NewAhead(&Buffers{}, bytes.NewReader(data), chunk+5, sha256.New(), func(int64) {})
	a.Read(make([]byte, 3))
	if a.Drain(); a.Size != chunk+5 || a.Failed != nil {
		t.Errorf("%d bytes, %v", a.Size, a.Failed)
	}

	// Closed, it leaves an endless source alone.
	a = NewAhead(&Buffers{}, endless{}, 1<<62, sha256.New(), func(int64) {})
	a.Read(make([]byte, 3))
	a.Close()
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestBehind(t *testing.T) {
	for _, n := range sizes {
		data := noise(n)
		sum := sha256.New()
		var out bytes.Buffer
		q := NewBehind(&Buffers{}, &out, sum)
		got, err := q.ReadFrom(iotest.HalfReader(bytes.NewReader(data)))
		if err := errors.Join(err, q.Close()); err != nil {
			t.Error(err)
		}
		if got != int64(n) || q.Size != int64(n) || !bytes.Equal(out.Bytes(), data) || [32]byte(sum.Sum(nil)) != sha256.Sum256(data) {
			t.Errorf("%d bytes: %d taken, %d written", n, got, out.Len())
		}
	}
}

// full takes so many bytes and no more.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.left {
		n := f.left
		f.left = 0
		return n, errFull
	}
	f.left -= len(p)
	return len(p), nil
}

var errFull = errors.New("full")

func TestBehindStops(t *testing.T) {
	q := NewBehind(&Buffers{}, &full{chunk + 10}, sha256.New())
	if _, err := q.ReadFrom(endless{}); err != errFull {
		t.Errorf("got %v", err)
	}
	if err := q.Close(); err != errFull || q.Size != chunk+10 {
		t.Errorf("%d bytes, %v", q.Size, err)
	}
	lost := errors.New("lost")
	q = NewBehind(&Buffers{}, io.Discard, sha256.New())
	if n, err := q.ReadFrom(io.MultiReader(bytes.NewReader(noise(9)), iotest.ErrReader(lost))); n != 9 || err != lost {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := q.Close(); err != nil || q.Size != 9 {
		t.Errorf("%d bytes, %v", q.Size, err)
	}
}
