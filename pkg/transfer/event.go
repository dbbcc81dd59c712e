package transfer

import (
	"errors"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Event says how far a copy has come.
type Event struct {
	Kind       EventKind
	Repository string // where it comes from
	Subject    string // a layer's title, else a digest
	Done       int64  // bytes
	Total      int64  // bytes
}

// EventKind is what happened.
type EventKind string

// The kinds of events.
const (
	EventCopy   EventKind = "copy"   // Done bytes of a blob are through
	EventCopied EventKind = "copied" // all of it is
	EventThere  EventKind = "there"  // the target has the blob already
)

// subject names a blob for a person.
func subject(d ocispec.Descriptor) string {
	if title := d.Annotations[ocispec.AnnotationTitle]; title != "" {
		return title
	}
	return d.Digest.String()
}

// meter reports how far the reading of a blob has come.
type meter struct {
	io.ReadCloser
	event  Event
	events func(Event)
}

func metered(rc io.ReadCloser, repository string, d ocispec.Descriptor, events func(Event)) io.ReadCloser {
	if events == nil {
		return rc
	}
	return &meter{rc, Event{Kind: EventCopy, Repository: repository, Subject: subject(d), Total: d.Size}, events}
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.event.Done += int64(n)
	if errors.Is(err, io.EOF) {
		m.event.Kind = EventCopied
	}
	m.events(m.event)
	return n, err
}
