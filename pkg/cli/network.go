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
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// registryOptions is what the registry client must know of this run.
func (a *app) registryOptions() (registry.Options, error) {
	home, err := a.home()
	if err != nil {
		return registry.Options{}, err
	}
	c, err := a.loadConfig()
	if err != nil {
		return registry.Options{}, err
	}
	o := registry.Options{
		CacheDir:    filepath.Join(home.Cache(), "manifests"),
		BaseDir:     a.projectDir(),
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
		if a.flags.verbose {
			status := fmt.Sprint(e.Status)
			if e.Status == 0 {
				status = "no answer"
			}
			line := fmt.Sprintf("%s %s: %s, %s", e.Method, e.URL, status, e.Duration.Round(time.Millisecond))
			for _, c := range e.Codes {
				line += "; " + c.String()
			}
			a.progressLine(a.paint(styleDim, escape(line)))
		}
	case registry.EventRetry:
		why := ""
		if e.RetryAfter {
			why = ", as the registry asks"
		}
		a.say("%s; try %d of %d in %s%s", escape(e.Err.Error()), e.Try, e.Tries, e.Wait.Round(100*time.Millisecond), why)
	case registry.EventResume:
		a.say("%s: goes on at byte %d", escape(e.Subject), e.Offset)
	case registry.EventMirror:
		if a.carrying && !a.flags.verbose && errors.Is(e.Err, artifact.ErrNotFound) {
			return
		}
		a.say("%s: %s does not serve it (%s); asking %s", escape(e.Subject), escape(e.Host), escape(reason(e)), escape(e.Next))
	case registry.EventWarning:
		a.warn("%s: %s", escape(e.Subject), escape(reason(e)))
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
		parts = append(parts, fmt.Sprintf("%s %d (%s)", k, s.Requests[k], bytesText(s.Bytes[k])))
	}
	fmt.Fprintf(a.Err, "requests: %s; retries %d; manifests from the cache %d\n", strings.Join(parts, ", "), s.Retries, s.Cached)
	var hosts []string
	for h := range s.Served {
		hosts = append(hosts, h)
	}
	slices.Sort(hosts)
	for _, h := range hosts {
		fmt.Fprintf(a.Err, "served by %s: %d\n", escape(h), s.Served[h])
	}
	for h, q := range s.Quota {
		fmt.Fprintf(a.Err, "pull quota at %s: %d of %d left in %s\n", escape(h), q.Remaining, q.Limit, q.Window)
	}
}

// bytesText writes a number of bytes for a person.
func bytesText(n int64) string {
	switch {
	case n >= 10_000_000_000:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 10_000:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
