package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/jsonpath"
)

// customColumns prints the items of an object as a table of JSONPath
// expressions: -o custom-columns=NAME:.name,PATH:.path, as kubectl has it.
type customColumns struct {
	headers []string
	paths   []*jsonpath.JSONPath
}

func newCustomColumns(spec string) (*customColumns, error) {
	c := &customColumns{}
	for part := range strings.SplitSeq(spec, ",") {
		header, path, ok := strings.Cut(part, ":")
		if !ok || header == "" || path == "" {
			return nil, fmt.Errorf("custom-columns %q: write HEADER:.field,HEADER:.field", spec)
		}
		p := jsonpath.New(header).AllowMissingKeys(true)
		if err := p.Parse(relaxedJSONPath(path)); err != nil {
			return nil, fmt.Errorf("custom-columns %q: %w", part, err)
		}
		c.headers, c.paths = append(c.headers, header), append(c.paths, p)
	}
	return c, nil
}

// PrintObj implements printers.ResourcePrinter.
func (c *customColumns) PrintObj(obj runtime.Object, w io.Writer) error {
	data, err := json.Marshal(obj)
	if err != nil {
		return err
	}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		return err
	}
	items, ok := object["items"].([]any)
	if !ok {
		items = []any{object}
	}
	tw := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	fmt.Fprintln(tw, strings.Join(c.headers, "\t"))
	for _, item := range items {
		cells := make([]string, len(c.paths))
		for i, p := range c.paths {
			var cell bytes.Buffer
			if err := p.Execute(&cell, item); err != nil {
				return err
			}
			if cells[i] = Escape(cell.String()); cells[i] == "" {
				cells[i] = "<none>"
			}
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	return tw.Flush()
}

// relaxedJSONPath takes .name and name for {.name}, as kubectl does.
func relaxedJSONPath(s string) string {
	if s == "" || strings.Contains(s, "{") {
		return s
	}
	return "{." + strings.TrimPrefix(s, ".") + "}"
}
