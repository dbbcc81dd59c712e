package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	// grace is how long a driver may take to end once it agreed to.
	grace = 2 * time.Second
	// drain is how long output is awaited after the process ended.
	drain = 250 * time.Millisecond
	// stderrTail is how many bytes of standard error are kept: the last ones.
	stderrTail = 4096
)

// process is a started driver.
type process struct {
	path   string
	cmd    *exec.Cmd
	stdout *firstLine
	stderr *tail
	exited chan struct{} // closed when the process has ended and was waited for
	state  error         // of Wait; read it after exited
}

// start runs the driver at path in dir.
func start(ctx context.Context, path, dir string) (*process, error) {
	p := &process{
		path:   path,
		stdout: &firstLine{done: make(chan struct{})},
		stderr: &tail{},
		exited: make(chan struct{}),
	}
	started := make(chan error)
	go func() {
		// Linux ends the driver with the thread that started it, so that a
		// crash of this process leaves none behind; the thread has to stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.exec(ctx, dir)
		started <- err
		if err != nil {
			return
		}
		p.state = p.cmd.Wait()
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, startError(path, err)
	}
	return p, nil
}

// exec starts the command, again where its file is still open for writing: a
// process that another goroutine forked at that instant can hold the
// descriptor of a file just written until it execs (golang.org/issue/22315).
func (p *process) exec(ctx context.Context, dir string) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for tries := 0; ; tries++ {
		p.cmd = exec.Command(p.path) // not CommandContext: stop ends the whole group
		p.cmd.Dir = dir
		p.cmd.Env = []string{
			cookieKey + "=" + cookieValue,
			fmt.Sprintf("PLUGIN_PROTOCOL_VERSIONS=%d", appProtocol),
			"PLUGIN_UNIX_SOCKET_DIR=" + dir,
			"TMPDIR=" + dir, // where go-plugin before 1.5 puts its socket
		}
		p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
		p.cmd.WaitDelay = drain
		p.cmd.SysProcAttr = attributes()
		err := p.cmd.Start()
		if err == nil || !isBusy(err) || tries == 100 {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}

// startError types an error of starting the file at path, which exists.
func startError(path string, err error) error {
	switch {
	case isForeign(err):
		info, _ := Inspect(path) // as far as it can be read
		return &PlatformError{Path: path, OS: info.OS, Archs: info.Archs, Err: err}
	case errors.Is(err, os.ErrNotExist):
		info, _ := Inspect(path)
		return &LoaderError{Path: path, Loader: info.Loader, Err: err}
	}
	return &HandshakeError{Path: path, Problem: "does not start: " + reason(err), Err: err}
}

// reason is an error of the operating system without the names of its call.
func reason(err error) string {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}

// handshake waits for the driver's first line.
func (p *process) handshake(ctx context.Context) (string, error) {
	select {
	case <-p.stdout.done:
	case <-p.exited:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	// A driver can write its line and end in one instant.
	if line, ok := p.stdout.line(); ok {
		return line, nil
	}
	select {
	case <-p.exited:
		return "", &HandshakeError{Path: p.path, Problem: fmt.Sprintf("ended with %s before the handshake", p.cmd.ProcessState), Err: p.state}
	default:
		return "", &HandshakeError{Path: p.path, Problem: "not a plugin: its first line of output does not end"}
	}
}

// stop ends the driver and all that it started. A driver that agreed to end
// is given [grace] to do it.
func (p *process) stop(agreed bool) {
	if agreed {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.exited:
		case <-timer.C:
		}
	}
	killGroup(p.cmd.Process)
	<-p.exited
}

// firstLine is a writer that keeps the first line and drops the rest.
type firstLine struct {
	done chan struct{} // closed with the end of the line, or where it gets too long

	mu       sync.Mutex
	buf      []byte
	complete bool
	closed   bool
}

func (w *firstLine) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return len(b), nil
	}
	part, _, found := bytes.Cut(b, []byte{'\n'})
	room := maxHandshake - len(w.buf)
	if len(part) > room {
		part, found = part[:room], false
	}
	w.buf = append(w.buf, part...)
	if w.complete = found; found || len(w.buf) == maxHandshake {
		w.closed = true
		close(w.done)
	}
	return len(b), nil
}

// line gives the line, and whether it is whole.
func (w *firstLine) line() (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.buf), w.complete
}

// tail is a writer that keeps the last bytes.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (w *tail) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, b[max(0, len(b)-stderrTail):]...)
	w.buf = w.buf[max(0, len(w.buf)-stderrTail):]
	return len(b), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(w.buf), "�"))
}
