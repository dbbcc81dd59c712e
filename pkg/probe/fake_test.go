//go:build unix

package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/yamux"
)

// The fake drivers are this test binary under other names: a driver gets no
// arguments and no environment of ours, so its name is all that tells it how
// to behave. What a fake leaves for the test lies beside it.
func TestMain(m *testing.M) {
	switch base := filepath.Base(os.Args[0]); {
	case os.Getenv(cookieKey) == cookieValue:
		os.Exit(fake(base))
	case base == "grandchild":
		holdLock()
	}
	os.Exit(m.Run())
}

// fakeDriver gives the path of a driver that behaves as its name says in
// [fake].
func fakeDriver(t *testing.T, behaviour string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), behaviour)
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// fake is a driver's main function.
func fake(behaviour string) int {
	switch behaviour {
	case "exits":
		fmt.Fprintln(os.Stderr, "error while loading shared libraries: libfoo.so.1")
		return 127
	case "talks":
		fmt.Println("usage: \x1b[31mtalks\x1b[0m [flags]")
	case "grpc":
		fmt.Println("1|1|unix|/nowhere|grpc|")
	case "newer":
		fmt.Println("1|2|unix|/nowhere|netrpc|")
	case "elsewhere":
		fmt.Println("1|1|tcp|192.0.2.1:1|netrpc|")
	case "gone":
		fmt.Println("1|1|unix|/nowhere|netrpc|")
	case "endless":
		for {
			if _, err := os.Stdout.Write(bytes.Repeat([]byte("x"), 1<<10)); err != nil {
				return 1
			}
		}
	case "silent":
		fmt.Fprintln(os.Stderr, "waiting for the database")
		select {}
	default:
		return serve(behaviour)
	}
	return 0
}

// serve does what go-plugin's server does, with net/rpc's own.
func serve(behaviour string) int {
	listener, err := net.Listen("unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("1|1|unix|%s|netrpc|\n", listener.Addr())
	if behaviour == "noisy" {
		for range 1 << 10 {
			fmt.Println(strings.Repeat("out ", 1<<8))
			fmt.Fprintln(os.Stderr, strings.Repeat("err ", 1<<8))
		}
	}
	if behaviour == "family" {
		if err := startGrandchild(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	conn, err := listener.Accept()
	if err != nil {
		return 1
	}
	if behaviour == "deaf" {
		select {}
	}
	mux, err := yamux.Server(conn, nil)
	if err != nil {
		return 1
	}
	var streams [3]net.Conn
	for i := range streams {
		if streams[i], err = mux.Accept(); err != nil {
			return 1
		}
	}
	if behaviour == "drops" {
		return 4
	}
	done := make(chan struct{})
	server := rpc.NewServer()
	_ = server.RegisterName("Control", &fakeControl{done})
	_ = server.RegisterName("Dispenser", &fakeDispenser{behaviour, mux})
	go server.ServeConn(streams[0])
	<-done
	if behaviour == "stays" {
		select {}
	}
	return 0
}

type fakeControl struct{ done chan struct{} }

func (c *fakeControl) Quit(bool, *struct{}) error {
	close(c.done)
	return nil
}

type fakeDispenser struct {
	behaviour string
	mux       *yamux.Session
}

func (d *fakeDispenser) Dispense(name string, reply *uint32) error {
	if name != "database" || d.behaviour == "refuses" {
		return errors.New("unknown plugin type: " + name)
	}
	if d.behaviour == "colours" {
		return errors.New("\x1b[31mno")
	}
	*reply = 7
	go func() {
		stream, err := d.mux.Accept()
		if err != nil {
			return
		}
		var id uint32
		_ = binary.Read(stream, binary.LittleEndian, &id)
		if d.behaviour == "confused" {
			id++
		}
		_ = binary.Write(stream, binary.LittleEndian, id)
		server := rpc.NewServer()
		_ = server.RegisterName("Plugin", &fakePlugin{d.behaviour})
		server.ServeConn(stream)
	}()
	return nil
}

// net/rpc wants the types of its methods exported.
type (
	None         struct{}
	NameReply    struct{ Name string }
	VersionReply struct{ Version string }
	EnginesReply struct{ Engines []string }
)

type fakePlugin struct{ behaviour string }

func (p *fakePlugin) Name(_ *None, r *NameReply) error {
	r.Name = "postgres"
	switch p.behaviour {
	case "nameless":
		r.Name = ""
	case "floods":
		r.Name = strings.Repeat("x", 2*maxReceived)
	}
	return nil
}

func (p *fakePlugin) Version(_ *None, r *VersionReply) error {
	r.Version = "0.1.2"
	return nil
}

// SupportedEngines of "environ" tells what the driver was given to live in.
func (p *fakePlugin) SupportedEngines(_ *None, r *EnginesReply) error {
	switch p.behaviour {
	case "idle":
	case "environ":
		r.Engines = os.Environ()
		if in, err := io.ReadAll(os.Stdin); err != nil || len(in) > 0 {
			r.Engines = append(r.Engines, fmt.Sprintf("stdin=%q, %v", in, err))
		}
	default:
		r.Engines = []string{"postgres", "postgresql"}
	}
	return nil
}

// startGrandchild starts a process that holds the lock beside the driver
// until it dies, and returns once it does hold it.
func startGrandchild() error {
	dir := filepath.Dir(os.Args[0])
	self, err := os.Executable()
	if err != nil {
		return err
	}
	link := filepath.Join(dir, "grandchild")
	if err := os.Symlink(self, link); err != nil {
		return err
	}
	cmd := exec.Command(link)
	cmd.Env = []string{"TMPDIR=" + dir} // without the cookie: it is not a driver
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = out.Read(make([]byte, 1))
	return err
}
