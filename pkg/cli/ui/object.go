package ui

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// APIVersion is the version of every object that -o json and its relatives
// print.
const APIVersion = "plugin.schemahero.io/v1"

// list is a printed collection: apiVersion, kind and items. Its items are
// sorted by who makes it, and none are [] and not null.
type list[T any] struct {
	metav1.TypeMeta `json:",inline"`
	Items           []T `json:"items"`
}

// DeepCopyObject implements runtime.Object, which the printers ask for.
func (l *list[T]) DeepCopyObject() runtime.Object {
	return &list[T]{l.TypeMeta, slices.Clone(l.Items)}
}

// single is a printed object that is not a collection.
type single[T any] struct {
	metav1.TypeMeta `json:",inline"`
	Spec            T `json:"spec"`
}

// DeepCopyObject implements runtime.Object.
func (s *single[T]) DeepCopyObject() runtime.Object { c := *s; return &c }

// List returns the view of a collection. Its table has a row for each item, with
// the columns that T's fields name (see View); noun is what -o name calls one.
func List[T any](kind, noun string, items []T) View {
	if items == nil {
		items = []T{}
	}
	return View{object: &list[T]{metav1.TypeMeta{APIVersion: APIVersion, Kind: kind}, items}, noun: noun, items: items, rows: items}
}

// Single returns the view of one object, which -o name prints as noun/name. Its
// table has one row.
func Single[T any](kind, noun, name string, spec T) View {
	return View{object: &single[T]{metav1.TypeMeta{APIVersion: APIVersion, Kind: kind}, spec}, noun: noun, name: name, rows: []T{spec}}
}

// Rows returns the view with a table of its own: a slice of what has columns.
func (v View) Rows(rows any) View {
	v.rows = rows
	return v
}

// Table returns what Rows takes.
func (v View) Table() any { return v.rows }
