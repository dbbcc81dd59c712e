package cli

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// registryOptions is what the registry client must know of this run.
func (a *app) registryOptions() (registry.Options, error) {
	c, err := a.loadConfig()
	if err != nil {
		return registry.Options{}, err
	}
	o := registry.Options{
		CacheDir:    a.home().Manifests(),
		Layouts:     a.layouts(),
		Credentials: registry.Conventional(a.env, a.userHome(), os.Getuid()),
		PlainHTTP:   a.flags.plainHTTP,
		Offline:     a.flags.offline,
		Proxy:       http.ProxyFromEnvironment,
		Hosts:       map[string]registry.Host{},
		Events:      a.registryEvent,
		UserAgent:   "kubectl-schemahero-plugin/" + a.Version,
	}
	if a.flags.caFile != "" {
		o.CAFile = a.abs(a.flags.caFile)
	}
	for _, m := range c.Mirrors {
		o.Mirrors = append(o.Mirrors, registry.Mirror{Prefix: m.Prefix, Targets: m.Targets})
	}
	for host, r := range c.Registries {
		o.Hosts[host] = registry.Host{CAFile: r.CAFile, ClientCert: r.ClientCert, ClientKey: r.ClientKey, PlainHTTP: r.PlainHTTP}
	}
	return o, nil
}

// layouts opens the layouts that repositories oci-layout:DIR/NAME are in.
func (a *app) layouts() func(string) (registry.Repository, error) {
	o := &ocilayout.Opener{BaseDir: a.projectDir()}
	return func(ref string) (registry.Repository, error) { return o.Repository(ref) }
}

// projectDir is the manifest's folder, from which its oci-layout: paths start,
// or the working directory where there is no manifest.
func (a *app) projectDir() string {
	file, err := a.manifestFile()
	if err != nil {
		return a.Directory
	}
	return filepath.Dir(file)
}

// registryEvent tells what happens on the way: retries always, requests with
// --verbose.
func (a *app) registryEvent(e registry.Event) {
	switch e.Kind {
	case registry.EventRequest:
		status := fmt.Sprint(e.Status)
		if e.Status == 0 {
			status = "no answer"
		}
		line := fmt.Sprintf("%s %s: %s, %s", e.Method, e.URL, status, e.Duration.Round(time.Millisecond))
		for _, c := range e.Codes {
			line += "; " + c.String()
		}
		a.ui.Trace("%s", line)
	case registry.EventRetry:
		why := ""
		if e.RetryAfter {
			why = ", as the registry asks"
		}
		a.ui.Say("%s; try %d of %d in %s%s", e.Err.Error(), e.Try, e.Tries, e.Wait.Round(100*time.Millisecond), why)
	case registry.EventResume:
		a.ui.Say("%s: goes on at byte %d", e.Subject, e.Offset)
	case registry.EventMirror:
		if a.carrying && !a.ui.Verbose && errors.Is(e.Err, artifact.ErrNotFound) {
			return
		}
		a.ui.Say("%s: %s does not serve it (%s); asking %s", e.Subject, e.Host, reason(e), e.Next)
	case registry.EventWarning:
		a.ui.Warn("%s: %s", e.Subject, reason(e))
	}
}

func reason(e registry.Event) string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
}

// printStats prints requests and bytes by kind to standard error.
func (a *app) printStats() {
	var s registry.Stats
	if a.client != nil {
		s = a.client.Stats()
	}
	var parts []string
	for _, k := range registry.Kinds() {
		parts = append(parts, fmt.Sprintf("%s %d (%s)", k, s.Requests[k], ui.Bytes(s.Bytes[k])))
	}
	a.ui.Note("requests: %s; retries %d; manifests from the cache %d", strings.Join(parts, ", "), s.Retries, s.Cached)
	var hosts []string
	for h := range s.Served {
		hosts = append(hosts, h)
	}
	slices.Sort(hosts)
	for _, h := range hosts {
		a.ui.Note("served by %s: %d", h, s.Served[h])
	}
	for h, q := range s.Quota {
		a.ui.Note("pull quota at %s: %d of %d left in %s", h, q.Remaining, q.Limit, q.Window)
	}
}
