package env

import (
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/doctor"
)

// Examination is what doctor, and trust list, look at here.
func (e *Env) Examination() (doctor.Options, error) {
	c, err := e.Config()
	if err != nil {
		return doctor.Options{}, err
	}
	p, err := e.ProjectOrLock()
	if err != nil {
		return doctor.Options{}, err
	}
	v, err := e.Verifier()
	if err != nil {
		return doctor.Options{}, err
	}
	o := doctor.Options{
		Project: p, Platform: e.Platform, SearchPath: e.SearchPath(), LookPath: e.OnPath,
		Verifier: v, Machine: c.Trust, Repository: e.Repository, Now: e.Now,
	}
	for _, m := range c.Mirrors {
		o.Mirrors = append(o.Mirrors, m.Targets...)
	}
	if !e.Flags.Offline {
		o.Client = e.Client
		o.Namespaces, _ = e.Namespaces("") // a manifest that does not parse is the project's to tell
	}
	return o, nil
}

// Hints is what hints know of this run. rel makes a path short for a person.
func (e *Env) Hints(rel func(string) string) hint.Context {
	c, err := e.Config()
	if err != nil {
		c = &config.Config{}
	}
	h := hint.Context{
		Name: e.Name(), Rel: rel, Home: e.Home().Dir(), File: e.Flags.File, PlainHTTP: e.Flags.PlainHTTP, From: e.source != nil, Config: c,
	}
	if e.Flags.CAFile != "" {
		h.CAFile = e.Abs(e.Flags.CAFile)
	}
	return h
}
