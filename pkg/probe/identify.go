// Package probe asks driver executables who they are.
//
// [Identify] starts a driver the way the host does, completes the go-plugin
// handshake, reads name, version and engines, and stops it. [Inspect] reads
// what an executable's headers say and runs nothing.
//
// The host speaks hashicorp/go-plugin. This package speaks the same protocol: a
// handshake line on standard output, then hashicorp/yamux over the socket that it
// names, then net/rpc calls. It does so without that module, which takes a driver
// for trusted: it connects to any address that a driver names, and reads answers
// of any length.
package probe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// Limit is how long a driver may take to answer and stop. Real drivers answer in
// tens of milliseconds; a cold disk or an emulated processor needs some more.
const Limit = 10 * time.Second

// Identity is what a driver says of itself.
type Identity struct {
	Name    string   // such as "postgres"
	Version string   // as the driver writes it; not necessarily semver
	Engines []string // engines it serves, in its order
}

// Identify runs the executable at path, which may be untrusted: call it only
// where the user asked for drivers to be run.
//
// The driver gets an environment of its own with nothing of the caller's in
// it, no standard input, and an empty temporary folder to work in that is
// removed afterwards. It and every process in its group are ended before
// Identify returns, which is at the latest shortly after [Limit] or ctx ends.
//
// Errors: [*PlatformError] where this machine cannot run the file,
// [*LoaderError] where the libc that it was linked for is missing,
// [*ProtocolError] where it speaks another protocol, [*TimeoutError] where it
// takes too long, [*HandshakeError] for everything else that the driver does
// wrong; the operating system's own error if the file cannot be read, and
// ctx's error where ctx ended.
func Identify(ctx context.Context, path string) (Identity, error) {
	return identify(ctx, path, Limit)
}

func identify(ctx context.Context, path string, limit time.Duration) (Identity, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Identity{}, err
	}
	if err := runnable(path); err != nil {
		return Identity{}, err
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	// The socket of go-plugin's server lies in a folder that only this user
	// can enter, and goes with it even if the driver does not clean up.
	dir, err := os.MkdirTemp("", "probe-")
	if err != nil {
		return Identity{}, err
	}
	defer disk.Discard(dir)

	p, err := start(limited, path, dir)
	if err != nil {
		return Identity{}, err
	}
	id, quit, err := ask(limited, p)
	p.stop(quit)
	if err == nil {
		return id, nil
	}
	switch {
	case ctx.Err() != nil:
		return Identity{}, fmt.Errorf("%s: %w", path, ctx.Err())
	case limited.Err() != nil:
		return Identity{}, &TimeoutError{Path: path, After: limit, Stderr: p.stderr.String()}
	}
	return Identity{}, explain(err, p)
}

// runnable reports why path is not a file that can be executed.
func runnable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &HandshakeError{Path: path, Problem: "not a regular file"}
	case !executable(info):
		return &HandshakeError{Path: path, Problem: "not executable", Err: os.ErrPermission}
	}
	return nil
}

// ask completes the handshake and asks the questions. quit reports whether the
// driver agreed to end by itself.
func ask(ctx context.Context, p *process) (id Identity, quit bool, err error) {
	line, err := p.handshake(ctx)
	if err != nil {
		return Identity{}, false, err
	}
	address, err := parseHandshake(p.path, line)
	if err != nil {
		return Identity{}, false, err
	}
	s, err := connect(ctx, address)
	if err != nil {
		return Identity{}, false, err
	}
	defer s.close()
	if id, err = s.identify(); err != nil {
		return Identity{}, false, err
	}
	return id, s.quit() == nil, nil
}

// explain gives an error that is not yet typed the facts about the process.
func explain(err error, p *process) error {
	var (
		handshake *HandshakeError
		protocol  *ProtocolError
	)
	switch {
	case errors.As(err, &protocol):
		return protocol
	case errors.As(err, &handshake):
		handshake.Stderr = p.stderr.String()
		return handshake
	}
	problem := err.Error()
	odd := func(r rune) bool { return !unicode.IsGraphic(r) }
	if !utf8.ValidString(problem) || strings.ContainsFunc(problem, odd) {
		// It quotes the driver: the socket that it names, what it answers.
		problem = quote(problem)
	}
	return &HandshakeError{Path: p.path, Problem: problem, Stderr: p.stderr.String(), Err: err}
}
