package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fleetSize   = 200         // processes, each of a user of its own
	fleetWithin = time.Second // from the first's start to the last's
	fleetRounds = 3
	fleetRate   = 50       // requests a second
	fleetLine   = 16 << 20 // bytes a second
)

// fleets measures many machines that sync one lock at once. What the processors
// here need for so many is part of the ideal: it is what the same fleet takes
// through a registry without a limit.
func (b *bench) fleets() error {
	p, err := b.locked("fleet", 2, tiny)
	if err != nil {
		return err
	}
	layers := fleetSize * len(p.drivers)
	size := int64(0)
	for _, d := range p.drivers {
		size += d.layer.size * fleetSize
	}
	rows := []struct {
		text  string
		least time.Duration
		run   func(project) (use, int, error)
		took  sample
		ideal sample
		asked int
	}{
		{text: "a registry without a limit", run: b.unlimited},
		{text: fmt.Sprintf("a registry of %d requests a second", fleetRate), run: b.limited, least: time.Duration(layers) * time.Second / fleetRate},
		{text: fmt.Sprintf("two mirrors, the first dies midway; %d MiB a second", fleetLine>>20), run: b.dying, least: time.Duration(float64(size) / fleetLine * float64(time.Second))},
	}
	for range fleetRounds {
		var free use
		for i := range rows {
			r := &rows[i]
			u, asked, err := r.run(p)
			if err != nil {
				return fmt.Errorf("%s: %w", r.text, err)
			}
			if i == 0 {
				free = u
			}
			r.took = append(r.took, u)
			r.ideal = append(r.ideal, use{Wall: max(free.Wall, r.least)})
			r.asked += asked
		}
	}
	var cells [][]string
	for _, r := range rows {
		more := float64(r.asked-fleetRounds*layers) / float64(fleetRounds*layers)
		cells = append(cells, []string{r.text, ms(r.ideal.wall()), ms(r.took.wall()), ratio(r.took.over(r.ideal)), ratio(more)})
	}
	table("A fleet", fmt.Sprintf("%d processes start within %s, each with a home of its own and nothing in it, and sync one lock of %d small drivers (%d kB). All succeed.",
		fleetSize, fleetWithin, len(p.drivers), size/fleetSize/1000),
		[]string{"through", "ideal", "fleet", "fleet / ideal (budget 1.3)", "requests beyond one a driver"}, cells)
	return nil
}

// unlimited gives the time that the fleet takes if nothing holds it up, and the
// number of its requests, as do the others.
func (b *bench) unlimited(p project) (use, int, error) {
	b.reg.requests()
	u, err := b.fleet(p)
	return u, b.reg.requests()["blobs"], err
}

// limited is through a registry that sends away who comes when fleetRate others
// have been served within the second.
func (b *bench) limited(p project) (use, int, error) {
	var mu sync.Mutex
	var served [fleetRate]time.Time
	next := 0
	b.reg.gate.Store(&gate{func(w http.ResponseWriter) bool {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if now.Sub(served[next]) < time.Second {
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"errors":[{"code":"TOOMANYREQUESTS"}]}`, http.StatusTooManyRequests)
			return false
		}
		served[next] = now
		next = (next + 1) % fleetRate
		return true
	}})
	defer b.reg.gate.Store(nil)
	return b.unlimited(p)
}

// dying is through two mirrors, each at the end of a line of its own. The first is
// gone when half of all has been sent: it cuts its connections, and refuses more.
func (b *bench) dying(p project) (use, int, error) {
	half := int64(0)
	for _, d := range p.drivers {
		half += d.layer.size * fleetSize / 2
	}
	first, err := b.reg.mirror(half)
	if err != nil {
		return use{}, 0, err
	}
	defer first.server.Close()
	second, err := b.reg.mirror(0)
	if err != nil {
		return use{}, 0, err
	}
	defer second.server.Close()
	config := b.path("mirrors.toml")
	text := fmt.Sprintf("[mirrors]\n%q = [%q, %q]\n", b.reg.host, first.host, second.host)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return use{}, 0, err
	}
	b.reg.requests()
	u, err := b.fleet(p, "--system-config", config)
	asked := int(first.asked.Load() + second.asked.Load())
	if origin := b.reg.requests()["blobs"] - asked; err == nil && origin > 0 {
		err = fmt.Errorf("the origin was asked %d times", origin)
	}
	return u, asked, err
}

// fleet starts the processes and awaits them all.
func (b *bench) fleet(p project, flags ...string) (use, error) {
	if err := b.clean(nil, "fleet"); err != nil {
		return use{}, err
	}
	defer b.clean([]string{"fleet"})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all []*member
	for i := range fleetSize {
		m, err := b.member(ctx, append([]string{b.plugin, "sync", "--locked", "--no-progress", "-C", p.dir, "--home", b.path("fleet", strconv.Itoa(i))}, flags...)...)
		if err != nil {
			return use{}, err
		}
		all = append(all, m)
	}
	errs := make(chan error, fleetSize)
	start := time.Now()
	for i, m := range all {
		time.Sleep(time.Until(start.Add(fleetWithin * time.Duration(i) / fleetSize)))
		m.start.Close()
		go func() { errs <- m.wait() }()
	}
	var failed error
	for range fleetSize {
		if err := <-errs; err != nil && failed == nil {
			failed = err
		}
	}
	return use{Wall: time.Since(start)}, failed
}

// member is a process that has yet to become a program.
type member struct {
	cmd   *exec.Cmd
	start io.Closer
	said  bytes.Buffer
}

// member starts one and awaits that it waits. Starting the program itself would take
// as long as those that were started before leave the processors no time.
func (b *bench) member(ctx context.Context, args ...string) (*member, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	m := &member{cmd: exec.CommandContext(ctx, self, append([]string{"await"}, args...)...)}
	m.cmd.Env, m.cmd.Stderr = b.env, &m.said
	start, err := m.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	waits, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.start = start
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(waits, make([]byte, 1))
	return m, err
}

func (m *member) wait() error {
	if err := m.cmd.Wait(); err != nil {
		return fmt.Errorf("%v: %w\n%s", m.cmd.Args, err, m.said.Bytes())
	}
	return nil
}

// gate decides who is let in, and answers who is not.
type gate struct {
	admits func(http.ResponseWriter) bool
}

// mirror is another address of the registry, at the end of a line that all who
// fetch share.
type mirror struct {
	host   string
	server http.Server
	asked  atomic.Int64
}

// mirror starts one. It dies when it has sent so many bytes, unless that is 0.
func (r *registry) mirror(dies int64) (*mirror, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &mirror{host: l.Addr().String()}
	line := &line{left: dies, cut: func() { m.server.Close() }}
	m.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		m.asked.Add(1)
		r.ServeHTTP(&sender{w, line}, req)
	})
	go m.server.Serve(l)
	return m, nil
}

// line carries fleetLine bytes a second.
type line struct {
	mu   sync.Mutex
	free time.Time // when it has carried all that it was given
	left int64     // before it is cut
	cut  func()
}

// carry waits until n bytes are through.
func (l *line) carry(n int) {
	l.mu.Lock()
	if now := time.Now(); l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(n) * time.Second / fleetLine)
	through := l.free
	before := l.left
	l.left -= int64(n)
	cut := before > 0 && l.left <= 0
	l.mu.Unlock()
	time.Sleep(time.Until(through))
	if cut {
		l.cut()
	}
}

// sender answers over a line, in small pieces that all have a share of.
type sender struct {
	http.ResponseWriter
	line *line
}

func (s *sender) ReadFrom(from io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{s}, struct{ io.Reader }{from}, make([]byte, 8<<10))
}

func (s *sender) Write(p []byte) (int, error) {
	s.line.carry(len(p))
	return s.ResponseWriter.Write(p)
}
