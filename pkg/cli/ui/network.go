package ui

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Network reports what happens on the way to registries: retries always, requests
// with --verbose. carrying is set where most of what is asked for is nowhere.
func (u *UI) Network(e registry.Event, carrying bool) {
	switch e.Kind {
	case registry.EventRequest:
		u.Request(e.Method, e.URL, e.Status, e.Duration, e.Codes...)
	case registry.EventRetry:
		again, why := "again", ""
		if e.Tries > 0 {
			again = fmt.Sprintf("try %d of %d", e.Try, e.Tries)
		}
		if e.RetryAfter {
			why = ", as the registry asks"
		}
		u.Say("%s; %s in %s%s", e.Err.Error(), again, e.Wait.Round(100*time.Millisecond), why)
	case registry.EventResume:
		u.Say("%s: goes on at byte %d", e.Subject, e.Offset)
	case registry.EventMirror:
		if carrying && !u.Verbose && errors.Is(e.Err, artifact.ErrNotFound) {
			return
		}
		u.Say("%s: %s does not serve it (%s); asking %s", e.Subject, e.Host, reason(e), e.Next)
	case registry.EventWarning:
		u.Warn("%s: %s", e.Subject, reason(e))
	}
}

// Request tells of a request with --verbose; a status of 0 is not an answer. codes are
// what a registry says of a refusal.
func (u *UI) Request(method, url string, status int, took time.Duration, codes ...registry.ErrorCode) {
	answer := fmt.Sprint(status)
	if status == 0 {
		answer = "no answer"
	}
	line := fmt.Sprintf("%s %s: %s, %s", method, url, answer, took.Round(time.Millisecond))
	for _, c := range codes {
		line += "; " + c.String()
	}
	u.Trace("%s", line)
}

func reason(e registry.Event) string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
}

// Stats prints requests and bytes by kind to standard error.
func (u *UI) Stats(s registry.Stats) {
	var parts []string
	for _, k := range registry.Kinds() {
		parts = append(parts, fmt.Sprintf("%s %d (%s)", k, s.Requests[k], Bytes(s.Bytes[k])))
	}
	u.Note("requests: %s; retries %d; manifests from the cache %d", strings.Join(parts, ", "), s.Retries, s.Cached)
	var hosts []string
	for h := range s.Served {
		hosts = append(hosts, h)
	}
	slices.Sort(hosts)
	for _, h := range hosts {
		u.Note("served by %s: %d", h, s.Served[h])
	}
	for h, q := range s.Quota {
		u.Note("pull quota at %s: %d of %d left in %s", h, q.Remaining, q.Limit, q.Window)
	}
}
