package ui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
)

// View is one result in every form that -o can ask for; List and Single make one.
//
// The columns of its table stand beside the fields that they show, in a tag
// `col:"NAME"`; `col:"+NAME"` is there only with -o wide. An option after a comma
// says how: "bytes" for a size, "path" for a path; "name" is the field that
// -o name prints. A field without a column is in the object alone, and one that
// is not exported in the table alone.
type View struct {
	object runtime.Object
	noun   string // what -o name calls an item
	name   string // of a single object; "" where -o name prints the rows
	items  any    // of a list
	rows   any    // of the table, a slice

	Text     func(Lines) // what a person reads; nil: the table
	Markdown func(Lines) // nil: -o markdown is refused
}

// OutputForms are the values of -o, for help and completion.
func OutputForms() []string {
	return []string{"json", "yaml", "name", "wide", "jsonpath=", "go-template=", "custom-columns="}
}

// CheckOutput says why a value of -o is none that any command knows.
func CheckOutput(form string) error {
	kind, arg, _ := strings.Cut(form, "=")
	switch kind {
	case "", "json", "yaml", "name", "wide", "markdown":
		if arg == "" && !strings.HasSuffix(form, "=") {
			return nil
		}
	case "jsonpath", "go-template", "custom-columns":
		if arg == "" {
			return fmt.Errorf("--output %s: says nothing to print; write %s=TEMPLATE", form, kind)
		}
		_, err := templated(kind, arg)
		return err
	}
	return fmt.Errorf("--output %q: must be one of %s", form, strings.Join(append(OutputForms(), "markdown"), " "))
}

// templated is the printer of a form that takes a template.
func templated(kind, arg string) (printers.ResourcePrinter, error) {
	switch kind {
	case "jsonpath":
		p, err := printers.NewJSONPathPrinter(relaxedJSONPath(arg))
		if err != nil {
			return nil, err
		}
		p.AllowMissingKeys(true) // as kubectl does
		return p, nil
	case "go-template":
		return printers.NewGoTemplatePrinter([]byte(arg))
	}
	return newCustomColumns(arg)
}

// Print writes a result to standard output in the form that -o names: all of it,
// or nothing if that fails.
func (u *UI) Print(v View) error {
	var b bytes.Buffer
	if err := u.print(&b, v); err != nil {
		return err
	}
	_, err := u.Out.Write(b.Bytes())
	return err
}

func (u *UI) print(w *bytes.Buffer, v View) error {
	kind, arg, _ := strings.Cut(u.Output, "=")
	switch kind {
	case "json":
		return (&printers.JSONPrinter{}).PrintObj(v.object, w)
	case "yaml":
		return printYAML(w, v.object)
	case "name":
		for _, name := range v.names() {
			NewLines(w).Line("%s/%s", v.noun, name)
		}
		return nil
	case "jsonpath", "go-template", "custom-columns":
		p, err := templated(kind, arg)
		if err != nil {
			return err
		}
		return p.PrintObj(v.object, w)
	case "markdown":
		if v.Markdown == nil {
			return errors.New("--output markdown: only lock and update print it")
		}
		v.Markdown(NewLines(w))
		return nil
	}
	if v.Text != nil && kind != "wide" {
		v.Text(NewLines(w))
		return nil
	}
	return u.table(w, v, kind == "wide")
}

// printYAML prints an object as YAML. Where control characters are in it, which the
// printer passes on or refuses, that is JSON, which is YAML too and has an escape
// for each of them.
func printYAML(w *bytes.Buffer, o runtime.Object) error {
	var b bytes.Buffer
	err := (&printers.YAMLPrinter{}).PrintObj(o, &b)
	if text := b.String(); err != nil || escapeText(text) != text {
		return (&printers.JSONPrinter{}).PrintObj(o, w)
	}
	_, err = b.WriteTo(w)
	return err
}

// names are what -o name prints behind the noun.
func (v View) names() []string {
	if v.name != "" {
		return []string{v.name}
	}
	var out []string
	rows := reflect.ValueOf(v.rows)
	if v.items != nil {
		rows = reflect.ValueOf(v.items)
	}
	for _, c := range columnsOf(rows.Type().Elem()) {
		if !c.name {
			continue
		}
		for i := range rows.Len() {
			if s := rows.Index(i).Field(c.field).String(); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

// table prints rows as kubectl does. A table without rows is said in a
// sentence, on standard error, so that a script reads nothing as nothing.
func (u *UI) table(w io.Writer, v View, wide bool) error {
	rows := reflect.ValueOf(v.rows)
	if rows.Len() == 0 {
		u.Say("nothing to list")
		return nil
	}
	columns := slices.DeleteFunc(columnsOf(rows.Type().Elem()), func(c column) bool { return c.title == "" })
	t := &metav1.Table{}
	for _, c := range columns {
		d := metav1.TableColumnDefinition{Name: c.title, Type: "string"}
		if c.wide {
			d.Priority = 1
		}
		t.ColumnDefinitions = append(t.ColumnDefinitions, d)
	}
	for i := range rows.Len() {
		cells := make([]any, len(columns))
		for j, c := range columns {
			cells[j] = u.cell(rows.Index(i).Field(c.field), c.as)
		}
		t.Rows = append(t.Rows, metav1.TableRow{Cells: cells})
	}
	return printers.NewTablePrinter(printers.PrintOptions{Wide: wide}).PrintObj(t, w)
}

// cell is a field's value as a table shows it.
func (u *UI) cell(v reflect.Value, as string) any {
	var text string
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int64:
		if as != "bytes" {
			return v.Int()
		}
		text = Bytes(v.Int())
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = v.Index(i).String()
		}
		text = strings.Join(parts, ",")
	default:
		text = v.String()
	}
	if as == "path" {
		text = u.Rel(text)
	}
	if text == "" {
		return "-"
	}
	return Escape(text)
}

// column is a column of a table.
type column struct {
	title string
	wide  bool
	name  bool
	as    string // "bytes", "path", "name" or ""
	field int
}

// columnsOf reads the tags of a struct.
func columnsOf(t reflect.Type) []column {
	var out []column
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("col")
		if !ok {
			continue
		}
		c := column{field: i}
		c.title, c.as, _ = strings.Cut(tag, ",")
		c.title, c.wide = strings.CutPrefix(c.title, "+")
		c.name = c.as == "name"
		out = append(out, c)
	}
	return out
}

// Markdown makes text safe to stand in a cell of a Markdown table, on any of the
// sites that show one: it is that text and nothing else, no link, no HTML, no end
// of the cell.
func Markdown(s string) string {
	if s == "" {
		return "–"
	}
	var b strings.Builder
	for _, r := range Escape(s) {
		if strings.ContainsRune("\\`*_[]()|!~$", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(b.String())
}
