package wire

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
	"testing"
	"time"
)

// closable is a file whose Read goes on until it is closed.
type closable struct{ reading, closed chan struct{} }

func (c closable) Read([]byte) (int, error) {
	close(c.reading)
	<-c.closed
	return 0, fs.ErrClosed
}

func (c closable) Close() error { close(c.closed); return nil }

// The transport closes a body beside a Read, where the other side resets the
// stream: that is not a fault of the content. One that comes of itself is.
func TestClosedUploadIsNoFaultOfItsContent(t *testing.T) {
	for _, closes := range []bool{true, false} {
		var failed atomic.Pointer[ContentError]
		body := closable{make(chan struct{}), make(chan struct{})}
		u := &upload{body: body, c: New(Options{}), idle: &idleTimer{idle: time.Hour, fire: func() {}}, failed: &failed}
		done := make(chan error)
		go func() { _, err := io.ReadAll(u); done <- err }()
		<-body.reading
		if closes {
			u.Close()
		} else {
			body.Close()
		}
		if err := <-done; !errors.Is(err, fs.ErrClosed) || (failed.Load() == nil) != closes {
			t.Errorf("closed by the transport %v: %v, %v", closes, err, failed.Load())
		}
	}
}

// A transport may read a body after the answer came: nothing may then be
// cancelled for standing still.
func TestStoppedTimerIsNotArmed(t *testing.T) {
	timer := &idleTimer{idle: time.Hour, fire: func() {}}
	timer.arm()
	timer.stop()
	timer.arm()
	if timer.timer.Stop() {
		t.Error("it runs")
	}
}
