package kube

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// ConfigError says why kubectl's configuration names no cluster.
type ConfigError struct {
	Problem  string
	Contexts []string // that there are, sorted, where the one that is asked for is not among them
}

func (e *ConfigError) Error() string    { return "kubeconfig: " + e.Problem }
func (e *ConfigError) Kind() fault.Kind { return fault.Usage }

// Request is what a cluster was asked for.
type Request struct {
	Server    string // host:port
	Verb      string // list or create
	Resource  string // pods
	Group     string // apps; "" for the core's
	Namespace string // "" for all of them
}

// Kinds is the resource with its group, as kubectl names it.
func (r Request) Kinds() string { return strings.TrimSuffix(r.Resource+"."+r.Group, ".") }

// Where is the namespace in words.
func (r Request) Where() string {
	if r.Namespace == "" {
		return "in all namespaces"
	}
	return "in namespace " + r.Namespace
}

// DeniedError says that a cluster does not let this user do something, or does not
// know who asks.
type DeniedError struct {
	Request
	Unknown bool   // the credentials are not accepted
	Helper  string // why the program that the kubeconfig names gave none; "" where it did
	Message string // what the cluster says
}

func (e *DeniedError) Error() string {
	switch {
	case e.Helper != "":
		return fmt.Sprintf("cluster %s: no credentials: %s", e.Server, e.Helper)
	case e.Unknown:
		return fmt.Sprintf("cluster %s: unauthorized: the credentials in the kubeconfig are not accepted", e.Server)
	}
	text := fmt.Sprintf("cluster %s: denied: may not %s %s %s", e.Server, e.Verb, e.Kinds(), e.Where())
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

func (e *DeniedError) Kind() fault.Kind { return fault.Denied }

// MissingError says that a cluster does not know a kind of objects.
type MissingError struct {
	Request
	Said bool // in the words of an API server
}

func (e *MissingError) Error() string {
	text := fmt.Sprintf("cluster %s: has no %s", e.Server, e.Kinds())
	if e.Group == databases().Group {
		text += ": SchemaHero is not installed there"
	}
	return text
}

func (e *MissingError) Kind() fault.Kind { return fault.Unsatisfied }

// ServerError says that a cluster cannot be reached or does not answer as one does.
// What it says is not kept: it could be a part of an object.
type ServerError struct {
	Request
	Status  int    // HTTP; 0 where there was none
	Problem string // in words, "" where Err or Status says it
	Err     error  // of the network
}

func (e *ServerError) Error() string {
	text := "cluster " + e.Server + ": "
	switch {
	case e.Problem != "":
		return text + e.Problem
	case e.Err != nil:
		return text + e.Err.Error()
	}
	return text + strings.TrimSpace(fmt.Sprintf("answers %d %s", e.Status, http.StatusText(e.Status)))
}

func (e *ServerError) Unwrap() error    { return e.Err }
func (e *ServerError) Kind() fault.Kind { return fault.Unreachable }
