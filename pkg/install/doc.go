// Package install puts drivers on a machine and knows what it put there.
//
// A layer is fetched once into a store, addressed by its digest and verified
// before it appears there; files are copied from the store into place, all of
// them or none; a receipt for each file makes the next look at it cheap and
// says which locks want it. The package reads no environment, prints nothing
// and holds no plugin in memory.
//
// A sync goes straight down: Inspect, CheckPlace, Stage, Lock, and with the
// lock held Place.
package install
