// Command sh is the shell of the script tests where there is none, with the tools
// that they use: it is started as sh, or under the name of a tool.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mvdan.cc/sh/moreinterp/coreutils"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

func main() {
	err := run(strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"), os.Args[1:])
	if status, ok := errors.AsType[interp.ExitStatus](err); ok {
		os.Exit(int(status))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// run is a tool, or sh: [-e] -c TEXT [NAME [ARG...]], or [-e] FILE [ARG...].
func run(name string, args []string) error {
	if name == "env" { // [NAME=VALUE...] PROGRAM [ARG...]
		return interpret(`while [ "${1#*=}" != "$1" ]; do export "$1"; shift; done; "$@"`, name, nil, args)
	}
	if name != "sh" {
		return interpret(`"$0" "$@"`, name, nil, args)
	}
	var options []string
	for len(args) > 0 && args[0] != "-c" && strings.HasPrefix(args[0], "-") {
		options, args = append(options, args[0]), args[1:]
	}
	if len(args) == 0 {
		return errors.New("usage: sh [-e] -c TEXT [NAME [ARG...]] | sh [-e] FILE [ARG...]")
	}
	if args[0] != "-c" {
		text, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		return interpret(string(text), args[0], options, args[1:])
	}
	if len(args) < 2 {
		return errors.New("-c: wants a text")
	}
	text, args := args[1], args[2:]
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	return interpret(text, name, options, args)
}

func interpret(text, name string, options, args []string) error {
	program, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), name)
	if err != nil {
		return err
	}
	r, err := interp.New(interp.StdIO(os.Stdin, os.Stdout, os.Stderr), interp.ExecHandlers(ours, coreutils.ExecHandler),
		interp.Params(slices.Concat(options, []string{"--"}, args)...))
	if err != nil {
		return err
	}
	return r.Run(context.Background(), program)
}

// ours runs the tools of this program in the shell itself.
func ours(next interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		tool := tools[args[0]]
		if tool == nil {
			return next(ctx, args)
		}
		c := interp.HandlerCtx(ctx)
		t := &call{out: c.Stdout, in: c.Stdin, dir: c.Dir}
		err := t.run(tool, args[1:])
		if err != nil {
			fmt.Fprintf(c.Stderr, "%s: %v\n", args[0], err)
			return interp.ExitStatus(2)
		}
		if t.status != 0 {
			return interp.ExitStatus(t.status)
		}
		return nil
	}
}

// call is one run of a tool.
type call struct {
	out    io.Writer
	in     io.Reader
	dir    string
	flags  map[byte]string
	files  []string
	status uint8
}

// tool is one of those below; taking are its flags that take a value. If they are
// long, their first letter tells them apart.
type tool struct {
	taking string
	run    func(*call) error
	long   bool
}

// run reads the flags as getopt does.
func (c *call) run(t *tool, args []string) error {
	c.flags = map[byte]string{}
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			c.files = append(c.files, args[i+1:]...)
			return t.run(c)
		case len(a) > 1 && a[0] == '-' && a[1] >= '0' && a[1] <= '9': // head -3
			c.flags['n'] = a[1:]
		case len(a) > 2 && a[0] == '-' && t.long: // find -name
			if i++; i == len(args) {
				return fmt.Errorf("%s: wants a value", a)
			}
			c.flags[a[1]] = args[i]
		case len(a) > 1 && a[0] == '-':
			for j := 1; j < len(a); j++ {
				f := a[j]
				if !strings.Contains(t.taking, string(f)) {
					c.flags[f] += "y"
					continue
				}
				value := a[j+1:]
				if value == "" {
					if i++; i == len(args) {
						return fmt.Errorf("-%c: wants a value", f)
					}
					value = args[i]
				}
				if old, ok := c.flags[f]; ok {
					value = old + "\n" + value
				}
				c.flags[f] = value
				break
			}
		default:
			c.files = append(c.files, a)
		}
	}
	return t.run(c)
}

func (c *call) has(flag byte) bool { _, ok := c.flags[flag]; return ok }

func (c *call) path(file string) string {
	if filepath.IsAbs(file) || strings.HasPrefix(file, "/") {
		return file
	}
	return filepath.Join(c.dir, file)
}

func (c *call) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(c.in)
	}
	return os.ReadFile(c.path(file))
}

// all is what stands in the files, or what comes in if none is named.
func (c *call) all() ([]byte, error) {
	if len(c.files) == 0 {
		return io.ReadAll(c.in)
	}
	var out []byte
	for _, f := range c.files {
		data, err := c.read(f)
		if err != nil {
			return nil, err
		}
		out = append(out, data...)
	}
	return out, nil
}

// first takes the operand that is no file.
func (c *call) first() (string, error) {
	if len(c.files) == 0 {
		return "", errors.New("wants an operand")
	}
	f := c.files[0]
	c.files = c.files[1:]
	return f, nil
}
