package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// EditError says why a mirror cannot be written.
type EditError struct {
	File    string
	Prefix  string
	Problem string
}

func (e *EditError) Error() string    { return fmt.Sprintf("%s: %s: %s", e.File, e.Prefix, e.Problem) }
func (e *EditError) Kind() fault.Kind { return fault.Usage }

// AddMirror returns the text of a config with a mirror added, after those that
// the prefix has, and keeps every other byte; the text is the same where the
// mirror is there already. data may be empty. The error is a *diag.Error where
// the config is not valid, and an *EditError where it would not be afterwards.
func AddMirror(file string, data []byte, prefix, target string) ([]byte, error) {
	before, err := Parse(file, data)
	if err != nil {
		return nil, err
	}
	want := slices.Clone(before.targets(prefix))
	if slices.Contains(want, target) {
		return data, nil
	}
	out := addMirror(diag.ParseTOML(file, data), prefix, target)
	after, err := Parse(file, out)
	if invalid := new(diag.Error); errors.As(err, &invalid) {
		return nil, &EditError{file, prefix, invalid.Texts()}
	}
	if !slices.Equal(after.targets(prefix), append(want, target)) {
		return nil, &EditError{file, prefix, "its line is written in a way that only a person can edit"}
	}
	return out, nil
}

func addMirror(doc *diag.Document, prefix, target string) []byte {
	quoted := diag.Quote(target)
	mirrors := doc.Root.Get("mirrors")
	if mirrors == nil {
		return doc.AppendTable("mirrors", prefix, "["+quoted+"]")
	}
	switch v := mirrors.Table.Get(prefix); {
	case v == nil:
		return mirrors.Table.Insert(prefix, "["+quoted+"]")
	case v.Kind == diag.Array:
		return v.Append(quoted)
	default:
		return doc.Replace(v.Span, "["+string(doc.Source[v.Span.Start:v.Span.End])+", "+quoted+"]")
	}
}

func (c *Config) targets(prefix string) []string {
	for _, m := range c.Mirrors {
		if m.Prefix == prefix {
			return m.Targets
		}
	}
	return nil
}
