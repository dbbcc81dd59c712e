package install

// Action is what Place did for an item.
type Action string

// The actions.
const (
	Kept      Action = "kept"      // it was right
	Adopted   Action = "adopted"   // the file was right but not ours, its receipt was written
	Installed Action = "installed" // there was no file
	Replaced  Action = "replaced"  // another layer's file, or a foreign one, stood there
	Repaired  Action = "repaired"  // the file was not what its receipt says, or could not be started
)

// Placed is what happened to one item.
type Placed struct {
	Item   Item
	Action Action
}

// Conflict says that a file was replaced which another lock wants as it was.
type Conflict struct {
	Item    Item   // what stands there now
	Claim   Claim  // who wants the other
	Version string // of the other; "" where it states none
}

// Report is what Place did.
type Report struct {
	Placed    []Placed // in the items' order, without those that failed
	Conflicts []Conflict
	Dropped   []Receipt // of files that lost the claim, as they are now
}
