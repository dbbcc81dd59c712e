package transfer

import (
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Event says how far a copy has come.
type Event struct {
	Subject string // a layer's title, else a digest
	Done    int64  // bytes
	Total   int64  // bytes
	There   bool   // the target has the blob already
}

// subject names a blob for a person.
func subject(d ocispec.Descriptor) string {
	if title := d.Annotations[ocispec.AnnotationTitle]; title != "" {
		return title
	}
	return d.Digest.String()
}

// progress tells how far the reading of a blob has come.
func progress(d ocispec.Descriptor, events func(Event)) func(done int64) {
	if events == nil {
		return nil
	}
	return func(done int64) { events(Event{Subject: subject(d), Done: done, Total: d.Size}) }
}
