package wire

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is what a request was for.
type Kind string

// The kinds of requests.
const (
	KindTags     Kind = "tagList"
	KindHead     Kind = "head"     // of a manifest or blob; Docker Hub counts none as a pull
	KindManifest Kind = "manifest" // GET
	KindBlob     Kind = "blob"     // GET
	KindToken    Kind = "token"
	KindOther    Kind = "other" // referrers, catalog, ping, uploads
)

// Kinds returns all kinds in the order in which they are shown.
func Kinds() []Kind {
	return []Kind{KindTags, KindHead, KindManifest, KindBlob, KindToken, KindOther}
}

// Stats is what a Client did so far. Tries again and requests that a 401
// answered count as requests; the hops of a redirect do not.
type Stats struct {
	Requests map[Kind]int
	Bytes    map[Kind]int64 // bodies, both directions
	Retries  int
	Cached   int              // manifests that needed no GET
	Served   map[string]int   // manifests and blobs, by the host that sent them
	Quota    map[string]Quota // by host, if it says
}

// Quota is what a registry says of its pull limit (Docker Hub's
// ratelimit-limit and ratelimit-remaining headers).
type Quota struct {
	Remaining int
	Limit     int           // 0 if unknown
	Window    time.Duration // 0 if unknown
}

// EventKind is what happened.
type EventKind string

// The kinds of events.
const (
	EventRequest  EventKind = "request"  // one was answered, or failed
	EventRetry    EventKind = "retry"    // Wait passes before another try, number Try if they are counted
	EventMirror   EventKind = "mirror"   // Host did not serve Subject because of Err; Next is asked
	EventResume   EventKind = "resume"   // a blob is resumed at byte Offset
	EventFallback EventKind = "fallback" // Host has no referrers API: the fallback tag of Subject was written
	EventWarning  EventKind = "warning"  // Err stood in the way of nothing, but should be known
)

// Event is something that happened on the way to a result. It never holds a
// secret: of a URL's query only parameters without any are kept.
type Event struct {
	Kind       EventKind
	Host       string
	Subject    string // repository, with tag or digest
	Method     string
	URL        string
	Status     int           // 0 if no answer came
	Codes      []ErrorCode   // what the registry says of a refusal
	Duration   time.Duration // from the request sent to the headers of its answer
	Try        int           // of the next try, from 2; 0 if it does not count
	Tries      int           // at most; 0 if it does not count
	Wait       time.Duration
	RetryAfter bool // the registry asked for Wait
	Offset     int64
	Next       string
	Err        error
}

// counters collects Stats.
type counters struct {
	mu sync.Mutex
	s  Stats
}

func (c *counters) update(f func(s *Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s.Requests == nil {
		c.s = Stats{Requests: map[Kind]int{}, Bytes: map[Kind]int64{}, Served: map[string]int{}, Quota: map[string]Quota{}}
	}
	f(&c.s)
}

func (c *counters) snapshot() (out Stats) {
	c.update(func(s *Stats) {
		out = *s
		out.Requests, out.Bytes = maps.Clone(s.Requests), maps.Clone(s.Bytes)
		out.Served, out.Quota = maps.Clone(s.Served), maps.Clone(s.Quota)
	})
	return out
}

// quota reads Docker Hub's ratelimit headers, like "76;w=21600"
// (https://docs.docker.com/docker-hub/usage/pulls/).
func quota(h http.Header) (q Quota, ok bool) {
	number := func(key string) (int, time.Duration, bool) {
		text, window, _ := strings.Cut(h.Get(key), ";w=")
		n, err := strconv.Atoi(text)
		seconds, _ := strconv.Atoi(window)
		return n, time.Duration(seconds) * time.Second, err == nil && n >= 0
	}
	q.Remaining, q.Window, ok = number("Ratelimit-Remaining")
	if limit, _, has := number("Ratelimit-Limit"); has {
		q.Limit = limit
	}
	return q, ok
}
