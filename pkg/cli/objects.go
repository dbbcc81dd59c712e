package cli

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

func newList[T any](kind string, items []T) *list[T] {
	if items == nil {
		items = []T{}
	}
	return &list[T]{metav1.TypeMeta{APIVersion: APIVersion, Kind: kind}, items}
}

// DeepCopyObject implements runtime.Object, which the printers ask for.
func (l *list[T]) DeepCopyObject() runtime.Object {
	return &list[T]{l.TypeMeta, slices.Clone(l.Items)}
}

// single is a printed object that is no collection.
type single[T any] struct {
	metav1.TypeMeta `json:",inline"`
	Spec            T `json:"spec"`
}

func newSingle[T any](kind string, spec T) *single[T] {
	return &single[T]{metav1.TypeMeta{APIVersion: APIVersion, Kind: kind}, spec}
}

// DeepCopyObject implements runtime.Object.
func (s *single[T]) DeepCopyObject() runtime.Object { c := *s; return &c }

// pluginItem is an item of a PluginList: one executable, installed or wanted.
type pluginItem struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	Repository string `json:"repository"`
	Digest     string `json:"digest"`
	Platform   string `json:"platform"`
	Layer      string `json:"layer"`
	Path       string `json:"path"`
	State      string `json:"state"`
}

// versionItem is an item of a VersionList: one released version.
type versionItem struct {
	Version    string   `json:"version"`
	Tag        string   `json:"tag"`
	Digest     string   `json:"digest"`
	Platforms  []string `json:"platforms"`
	SchemaHero string   `json:"schemahero"`
	Created    string   `json:"created"`
	Size       int64    `json:"size"`
	Moved      bool     `json:"moved"`
}

// changeItem is an item of a LockDiff: what became of one locked plugin.
type changeItem struct {
	Name    string   `json:"name"`
	Change  string   `json:"change"`
	From    string   `json:"from"`
	To      string   `json:"to"`
	Details []string `json:"details,omitempty"`
}

// orEmpty makes a map {} where it would be null.
func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
