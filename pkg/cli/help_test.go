package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// absolute is a path that begins at the root, on Windows on a drive.
func absolute(path string) string { return system.Abs(os.TempDir(), path) }

// tree is the command tree as kubectl's users see it.
func tree() *cobra.Command {
	p := program()
	p.Directory, p.Out, p.Err = "/work", new(bytes.Buffer), new(bytes.Buffer)
	e, u := wire(p)
	root := newRoot(e, u, new(bool))
	root.InitDefaultHelpCmd()
	return root
}

// commands gives every command below root that a user sees.
func commands(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range root.Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		all = append(append(all, c), commands(c)...)
	}
	return all
}

const called = "kubectl schemahero plugin"

func TestHelpTeaches(t *testing.T) {
	for _, c := range commands(tree()) {
		t.Run(strings.ReplaceAll(strings.TrimPrefix(c.CommandPath(), called+" "), " ", "-"), func(t *testing.T) {
			first, _ := strings.CutPrefix(c.Short, "`")
			if first == "" || strings.HasSuffix(c.Short, ".") || strings.ToUpper(first[:1]) != first[:1] || strings.Contains(c.Short, "\n") {
				t.Errorf("purpose %q: want one line, with a capital, without a full stop", c.Short)
			}
			if len(c.Long) < len(c.Short)+60 {
				t.Errorf("there is no paragraph:\n%s", c.Long)
			}
			for line := range strings.SplitSeq(c.Long, "\n") {
				if utf8.RuneCountInString(line) > 80 {
					t.Errorf("wider than 80 columns: %s", line)
				}
				if !strings.HasPrefix(line, "  ") && strings.Contains(line, "  ") {
					t.Errorf("a list or a sample, which is not indented and so is shown as a paragraph: %s", line)
				}
			}
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if f.Usage == "" {
					t.Errorf("--%s: says nothing", f.Name)
				}
			})
			examples := exampleLines(c)
			if len(examples) < 2 || len(examples) < 3 && c.Flags().HasFlags() {
				t.Errorf("%d examples", len(examples))
			}
			for _, e := range examples {
				words := shellWords(e)
				if !strings.HasPrefix(e, called+" ") {
					t.Errorf("%s: does not begin as the program is called", e)
					continue
				}
				path := c.CommandPath()
				if c.HasSubCommands() {
					path = called // it may show what the others are for
				}
				if err := accepts(tree(), words[3:], path); err != nil {
					t.Errorf("%s: %v", e, err)
				}
			}
		})
	}
}

// exampleLines are the command lines of a command's examples.
func exampleLines(c *cobra.Command) []string {
	var lines []string
	for l := range strings.SplitSeq(c.Example, "\n") {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			lines = append(lines, l)
		}
	}
	return lines
}

// accepts reports whether a command line would run the command of this path: its
// flags are known and its arguments taken. Nothing is run.
func accepts(root *cobra.Command, words []string, path string) error {
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if cmd.CommandPath() != path && !strings.HasPrefix(cmd.CommandPath(), path+" ") {
		return fmt.Errorf("is an example of %q", cmd.CommandPath())
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return err
	}
	if err := cmd.ValidateFlagGroups(); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// shellWords splits a command line as a shell does, up to the first operator.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	quote, begun := rune(0), false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case strings.ContainsRune("|&;<>", r):
			end()
			return words
		case r == ' ':
			end()
		default:
			begun = true
			word.WriteRune(r)
		}
	}
	end()
	return words
}

func TestShellWords(t *testing.T) {
	got := shellWords(`a b@'>=1, <2' "c d" '' > file`)
	if want := []string{"a", "b@>=1, <2", "c d", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// run executes a command line as kubectl would and gives what it printed.
func run(words ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := program(words...)
	p.Out, p.Err = &out, &errs
	code = Run(context.Background(), p)
	return code, out.String(), errs.String()
}

// program is a command line in an empty environment.
func program(words ...string) Program {
	return Program{Process: Process{
		Args:         append([]string{absolute("/usr/local/bin/kubectl-schemahero-plugin")}, words...),
		Version:      "0.0.0-test",
		Directory:    "/",
		SystemConfig: "/etc/schemahero/plugins.toml",
		Lookup:       func(string) (string, bool) { return "", false },
		Environ:      func() []string { return nil },
		Now:          time.Now,
	}, In: strings.NewReader("")}
}

func TestUnknownWordsAreAnswered(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"snyc", `did you mean "sync"?`},
		{"install", `did you mean "add"?`},
		{"upgrade", `did you mean "update"?`},
		{"rm", `did you mean "remove"?`},
		{"bundle creat x", `unknown command "creat"; did you mean "create"?`},
		{"trust lst", `unknown command "lst"; did you mean "list"?`},
		{"export docker", `unknown command "docker"; did you mean "dockerfile"?`},
		{"help snyc", `unknown command "snyc"; did you mean "sync"?`},
		{"help bundle creat", `unknown command "creat"; did you mean "create"?`},
		{"sync --lockd", "did you mean --locked?"},
		{"sync -locked", "did you mean --locked?"},
		{"list --outptu json", "did you mean --output?"},
		{"sync --zzzzzzzz", "unknown flag: --zzzzzzzz"},
	} {
		code, out, errs := run(strings.Fields(test.line)...)
		if code != 2 || out != "" || !strings.Contains(errs, test.want) {
			t.Errorf("%s: exit %d, %q %q; want %q", test.line, code, out, errs, test.want)
		}
		if strings.Contains(errs, "help --help") || !strings.Contains(errs, "hint: see kubectl schemahero plugin") {
			t.Errorf("%s: no hint: %s", test.line, errs)
		}
	}
	// A command that only holds others does not take any word in silence.
	for _, c := range commands(tree()) {
		if c.HasSubCommands() {
			line := append(strings.Fields(c.CommandPath())[3:], "nonsense")
			if code, out, errs := run(line...); code != 2 || out != "" || errs == "" {
				t.Errorf("%v: exit %d, %q %q", line, code, out, errs)
			}
		}
	}
}

func TestHelpNamesTheProgramAsItWasCalled(t *testing.T) {
	for argv0, want := range map[string]string{
		absolute("/home/u/.local/bin/kubectl-schemahero-plugin"): "kubectl schemahero plugin",
		absolute("/home/u/.krew/bin/kubectl-schemahero_plugin"):  "kubectl schemahero-plugin",
		"kubectl-schemahero-plugin":                              "kubectl-schemahero-plugin",
		"./bin/kubectl-schemahero-plugin":                        "kubectl-schemahero-plugin",
	} {
		p := program()
		p.Args = []string{argv0}
		e, u := wire(p)
		root := newRoot(e, u, new(bool))
		for _, c := range append(commands(root), root) {
			if !strings.HasPrefix(c.UseLine()+" ", want+" ") {
				t.Errorf("%s: usage %q", argv0, c.UseLine())
			}
			for _, e := range exampleLines(c) {
				if !strings.HasPrefix(e, want+" ") {
					t.Errorf("%s: example %q", argv0, e)
				}
			}
		}
	}
}

// A result that cannot be written is a failure; a reader that has read enough
// is none.
func TestResultsThatDoNotArrive(t *testing.T) {
	for _, line := range []string{"version", "version -o wide", "version -o json", "search --help", "completion bash", "sync --help", "--version"} {
		for why, want := range map[error]int{syscall.ENOSPC: 1, syscall.EPIPE: exitDone} {
			p := program(strings.Fields(line)...)
			var errs bytes.Buffer
			p.Out, p.Err = broken{why}, &errs
			if code := Run(context.Background(), p); code != want {
				t.Errorf("%s: %v: exit %d, want %d: %s", line, why, code, want, errs.String())
			}
		}
	}
}

// broken is a stream that takes nothing.
type broken struct{ why error }

func (b broken) Write([]byte) (int, error) { return 0, b.why }
