package kit

import (
	"fmt"
	"strings"
)

// emptyDefault stands for the empty string in a column's default: gob drops a
// pointer to a zero value, so the host sends this instead.
const emptyDefault = "__SCHEMAHERO_EMPTY_STRING_DEFAULT__"

// plan gives the statements that make a table if there is none.
func plan(name string, schema any) ([]string, error) {
	var t Table
	quote := `"`
	switch s := schema.(type) {
	case *Postgres:
		t = Table(*s)
	case *Timescale:
		t = Table(*s)
	case *SQLite:
		t = Table(*s)
	case *RQLite:
		t = Table(*s)
	case *MySQL:
		t, quote = Table(*s), "`"
	default:
		return nil, fmt.Errorf("table %s: no schema for this engine", name)
	}
	if t.IsDeleted {
		return nil, nil
	}
	return []string{createTable(name, t, quote)}, nil
}

// createTable writes one CREATE TABLE statement, without its semicolon.
func createTable(name string, t Table, quote string) string {
	quoted := func(s string) string { return quote + strings.ReplaceAll(s, quote, quote+quote) + quote }
	parts := make([]string, 0, len(t.Columns)+1)
	for _, c := range t.Columns {
		part := quoted(c.Name) + " " + c.Type
		if c.Constraints != nil && c.Constraints.NotNull != nil && *c.Constraints.NotNull {
			part += " not null"
		}
		if c.Default != nil {
			value := *c.Default
			if value == emptyDefault {
				value = ""
			}
			part += " default '" + strings.ReplaceAll(value, "'", "''") + "'"
		}
		parts = append(parts, part)
	}
	if len(t.PrimaryKey) > 0 {
		keys := make([]string, len(t.PrimaryKey))
		for i, k := range t.PrimaryKey {
			keys[i] = quoted(k)
		}
		parts = append(parts, "primary key ("+strings.Join(keys, ", ")+")")
	}
	return "create table " + quoted(name) + " (" + strings.Join(parts, ", ") + ")"
}
