package cli

import (
	"fmt"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
)

// view is one result in every form that -o can ask for.
type view struct {
	object   runtime.Object
	names    []string          // for -o name
	text     func(w io.Writer) // what a person reads; nil: the table
	columns  []column
	rows     [][]any
	markdown func(w io.Writer) // nil: -o markdown is refused
}

// column is a table's column; a wide one is there only with -o wide.
type column struct {
	name string
	wide bool
}

func cols(names ...string) []column {
	var out []column
	for _, n := range names {
		name, wide := strings.CutPrefix(n, "+")
		out = append(out, column{name, wide})
	}
	return out
}

// outputForms are the values of -o, for help and completion.
func outputForms() []string {
	return []string{"json", "yaml", "name", "wide", "jsonpath=", "go-template=", "custom-columns="}
}

// checkOutput refuses an -o that no command knows before any work is done.
func checkOutput(form string) error {
	kind, arg, _ := strings.Cut(form, "=")
	switch kind {
	case "", "json", "yaml", "name", "wide", "markdown":
		if arg == "" && !strings.HasSuffix(form, "=") {
			return nil
		}
	case "jsonpath", "go-template", "custom-columns":
		if arg == "" {
			return usagef("--output %s: says nothing to print; write %s=TEMPLATE", form, kind)
		}
	}
	switch kind {
	case "jsonpath":
		_, err := printers.NewJSONPathPrinter(relaxedJSONPath(arg))
		return asUsage(err)
	case "go-template":
		_, err := printers.NewGoTemplatePrinter([]byte(arg))
		return asUsage(err)
	case "custom-columns":
		_, err := newCustomColumns(arg)
		return asUsage(err)
	}
	return usagef("--output %q: is none of %s", form, strings.Join(append(outputForms(), "markdown"), " "))
}

// print writes a result to standard output in the form that -o names.
func (a *app) print(v view) error {
	kind, arg, _ := strings.Cut(a.flags.output, "=")
	switch kind {
	case "json":
		return (&printers.JSONPrinter{}).PrintObj(v.object, a.Out)
	case "yaml":
		return (&printers.YAMLPrinter{}).PrintObj(v.object, a.Out)
	case "name":
		for _, n := range v.names {
			fmt.Fprintln(a.Out, "plugin/"+escape(n))
		}
		return nil
	case "jsonpath":
		p, err := printers.NewJSONPathPrinter(relaxedJSONPath(arg))
		if err != nil {
			return asUsage(err)
		}
		p.AllowMissingKeys(true) // as kubectl does
		return p.PrintObj(v.object, a.Out)
	case "go-template":
		p, err := printers.NewGoTemplatePrinter([]byte(arg))
		if err != nil {
			return asUsage(err)
		}
		return p.PrintObj(v.object, a.Out)
	case "custom-columns":
		p, err := newCustomColumns(arg)
		if err != nil {
			return asUsage(err)
		}
		return p.PrintObj(v.object, a.Out)
	case "markdown":
		if v.markdown == nil {
			return usagef("--output markdown: only lock and update print it")
		}
		v.markdown(a.Out)
		return nil
	}
	if v.text != nil && (kind != "wide" || len(v.columns) == 0) {
		v.text(a.Out)
		return nil
	}
	return a.table(v, kind == "wide")
}

// table prints rows as kubectl does. A table without rows is said in a
// sentence, on standard error, so that a script reads nothing as nothing.
func (a *app) table(v view, wide bool) error {
	if len(v.rows) == 0 {
		a.say("nothing to list")
		return nil
	}
	t := &metav1.Table{}
	for _, c := range v.columns {
		priority := int32(0)
		if c.wide {
			priority = 1
		}
		t.ColumnDefinitions = append(t.ColumnDefinitions, metav1.TableColumnDefinition{Name: c.name, Type: "string", Priority: priority})
	}
	for _, row := range v.rows {
		cells := make([]any, len(row))
		for i, c := range row {
			if cells[i] = c; c == "" {
				cells[i] = "-"
			} else if s, ok := c.(string); ok {
				cells[i] = escape(s)
			}
		}
		t.Rows = append(t.Rows, metav1.TableRow{Cells: cells})
	}
	return printers.NewTablePrinter(printers.PrintOptions{Wide: wide}).PrintObj(t, a.Out)
}

// escape makes text from a registry or a file harmless to a terminal: control
// characters are written as Go would write them in a string.
func escape(s string) string {
	bad := func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfffd
	}
	if !strings.ContainsFunc(s, bad) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if bad(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// escapeLines is escape for text whose line ends and tabs are its own.
func escapeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		parts := strings.Split(l, "\t")
		for j := range parts {
			parts[j] = escape(parts[j])
		}
		lines[i] = strings.Join(parts, "\t")
	}
	return strings.Join(lines, "\n")
}
