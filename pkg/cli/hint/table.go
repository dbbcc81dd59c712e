package hint

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Context is what hints know of the run that failed.
type Context struct {
	Name      string              // how the user calls this program
	Rel       func(string) string // makes a path short for a person
	Home      string              // folder, "" if there is none
	File      string              // the value of --file
	CAFile    string              // that of --ca-file, absolute
	PlainHTTP bool                // --plain-http
	From      bool                // everything is read from what --from names
	Config    *config.Config      // never nil
}

// row is a kind of error and what to do about it: the command to run. Its docs are
// how docs/troubleshooting.md tells it.
type row struct {
	hints func(Context, error) []string // nil if it is another error
	docs  []doc
	of    []reflect.Type // which errors
}

// doc is a row of a table of docs/troubleshooting.md, in Markdown.
type doc struct {
	message string
	advice  string
	kinds   []fault.Kind // which give the exit codes
}

func told(message, advice string, kinds ...fault.Kind) doc { return doc{message, advice, kinds} }

// on is a row about errors of a type.
func on[E error](hints func(Context, E) []string, docs ...doc) row {
	return row{func(c Context, err error) []string {
		if e, ok := errors.AsType[E](err); ok {
			return hints(c, e)
		}
		return nil
	}, docs, []reflect.Type{reflect.TypeFor[E]()}}
}

// section is a part of the table, and of docs/troubleshooting.md.
type section struct {
	title string
	intro string
	rows  []row
}

// table is everything that is known. The first row that has a hint has the say.
func table() []section {
	return []section{own(), attempts(), versions(), signatures(), publishing(), carrying(), cluster(), registries(), machine()}
}

// For returns what to do about an error, each line with the exact command.
func For(c Context, err error) []string {
	var out []string
	for _, e := range fault.Each(err) {
		for _, h := range one(c, e) {
			if !slices.Contains(out, h) {
				out = append(out, h)
			}
		}
	}
	return out
}

func one(c Context, err error) []string {
	for _, s := range table() {
		for _, r := range s.rows {
			if h := r.hints(c, err); h != nil {
				return h
			}
		}
	}
	return nil
}

// own are the errors of the command line itself, which bring their hints along.
func own() section {
	return section{rows: []row{
		on(func(_ Context, e *RefusedError) []string { return e.Hints }),
		on(func(_ Context, e *AdvisedError) []string { return e.Hints }),
		on(func(_ Context, e *UsageError) []string {
			if e.Command == "" {
				return nil
			}
			return []string{"see " + e.Command + " --help"}
		}),
		on(func(c Context, e *DriftError) []string {
			if e.Next == "" {
				return []string{"make this machine match: " + c.Name + " sync"}
			}
			return []string{e.Next}
		}),
	}}
}

// Document is docs/troubleshooting.md.
func Document() string {
	var b strings.Builder
	b.WriteString(`# Troubleshooting

Written by ` + "`make docs`" + ` from the table that the program's hints come from.

` + "`kubectl schemahero plugin doctor`" + ` checks configuration, home, lock, installed
drivers, the host's discovery order, registries, mirrors, credentials and the
clock, and says what to run. Below, each message with its exit code and the next
command; ` + "`plugin` stands for `kubectl schemahero plugin`" + `.
`)
	for _, s := range table() {
		if s.title == "" {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n", s.title)
		if s.intro != "" {
			fmt.Fprintf(&b, "\n%s\n", s.intro)
		}
		b.WriteString("\n| message | code | what to do |\n| --- | --- | --- |\n")
		for _, r := range s.rows {
			for _, d := range r.docs {
				var codes []string
				for _, k := range d.kinds {
					codes = append(codes, fmt.Sprint(ExitCode(k)))
				}
				if len(codes) == 0 {
					codes = []string{"0"} // a warning
				}
				fmt.Fprintf(&b, "| %s | %s | %s |\n", d.message, strings.Join(codes, ", "), d.advice)
			}
		}
	}
	return b.String()
}
