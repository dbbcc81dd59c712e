package lockfile

import (
	"fmt"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// VersionError says that a lock has a version, or keys, that this program does
// not know. It wraps the *diag.Error with all the problems of the file.
type VersionError struct {
	File     string
	Version  int64 // what the file says
	Problems *diag.Error
}

// Error returns the problems, one "file:line:column: text" a line.
func (e *VersionError) Error() string    { return e.Problems.Error() }
func (e *VersionError) Kind() fault.Kind { return fault.Usage }

// Unwrap returns the *diag.Error.
func (e *VersionError) Unwrap() error { return e.Problems }

// ConflictError says that a lock holds conflict markers; see MergeConflict.
type ConflictError struct {
	File string
	Line int // of the first marker, from 1
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s:%d:1: has conflict markers", e.File, e.Line)
}

func (e *ConflictError) Kind() fault.Kind { return fault.Usage }

// Position is that of the first marker.
func (e *ConflictError) Position() diag.Position {
	return diag.Position{File: e.File, Line: e.Line, Column: 1}
}

// newer ends the problems that a later format of the lock would cause.
const newer = "written by a newer version"

// Parse reads a lock; file is its name in errors. The result is sorted and
// valid in every field. Errors: *diag.Error with all problems at once,
// *VersionError, *ConflictError, *SizeError.
func Parse(file string, data []byte) (*Lock, error) {
	if len(data) > MaxSize {
		return nil, &SizeError{file}
	}
	if line := diag.FirstMarker(data); line > 0 {
		return nil, &ConflictError{file, line}
	}
	doc := diag.ParseLarge(file, data)
	if v := doc.Root.Get("version"); v != nil && v.Kind == diag.Integer && v.Text != "1" {
		if n, ok := v.AsInt(); ok && n > Version {
			return nil, &VersionError{file, n, doc.At(v.Span, "version: %d is unknown: %s", n, newer)}
		}
	}
	r := reader{doc: doc, places: map[string]string{}}
	lock := r.lock(doc.Root)
	err := doc.Err()
	if err == nil {
		return lock, nil
	}
	if problems, ok := err.(*diag.Error); ok && r.newer {
		return nil, &VersionError{file, Version, problems}
	}
	return nil, err
}

// reader gathers a lock and what is wrong with it.
type reader struct {
	doc    *diag.Document
	newer  bool              // there are unknown keys
	places map[string]string // what takes an installed file's name: "plugin" or "alias of NAME"
}

func (r *reader) lock(root *diag.Table) *Lock {
	r.only(root, "version", "plugin")
	if n, ok := root.Need("version").AsInt(); ok && n != Version {
		root.Get("version").Problem("%d is not a version of a lock", n)
	}
	lock := &Lock{}
	tables := root.Get("plugin").AsTables()
	lock.Plugins = slices.Grow(lock.Plugins, len(tables))
	for _, t := range tables {
		lock.Plugins = append(lock.Plugins, r.plugin(t))
	}
	// Names first, so that the alias is told and not the plugin that it meets.
	for i, t := range tables {
		r.claim(t.Get("name"), lock.Plugins[i].Name, "the plugin")
	}
	for i, t := range tables {
		if v := t.Get("aliases"); v != nil {
			for _, item := range v.Items {
				if slices.Contains(lock.Plugins[i].Aliases, item.Text) {
					r.claim(item, item.Text, "an alias of "+lock.Plugins[i].Name)
				}
			}
		}
	}
	lock.Sort()
	return lock
}

// claim reports a name under which two executables would be installed.
func (r *reader) claim(v *diag.Value, name, by string) {
	if name == "" {
		return
	}
	if other, taken := r.places[name]; taken {
		v.Problem("%s is %s already", name, other)
		return
	}
	r.places[name] = by
}

// only reports keys that this version does not know. Ignoring them could mean
// ignoring a rule that a later version made.
func (r *reader) only(t *diag.Table, known ...string) {
	for _, e := range t.Entries {
		if !slices.Contains(known, e.Key) {
			e.Problem("unknown key: %s", newer)
			r.newer = true
		}
	}
}
