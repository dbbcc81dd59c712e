package install

// EventKind says what an Event tells.
type EventKind int

// The kinds of events.
const (
	EventNeed    EventKind = iota // Layer is to be fetched, Total bytes; told of all before the first is
	EventFetch                    // Done of Total compressed bytes of Layer have arrived
	EventStaged                   // Layer is in the store; Total is its size
	EventWait                     // Subject is locked by process PID (0: not known), and is waited for
	EventSwept                    // the temporary file Path of a dead process was removed
	EventPlaced                   // Item stands at Path
	EventNoLocks                  // the file system of the folder Path has no locks, so work goes on without; told once
)

// Event is progress. Calls for one engine never overlap.
type Event struct {
	Kind    EventKind
	Layer   Layer // EventNeed, EventFetch, EventStaged
	Done    int64 // bytes
	Total   int64 // bytes
	Subject string
	PID     int
	Path    string
	Item    Item // EventPlaced
}
