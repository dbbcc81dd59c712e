// Package lockfile reads, writes, compares and merges schemahero-plugins.lock:
// the drivers that a project runs, each with the digests that pin it.
//
// A lock comes from a pull request as often as from this program, so Parse
// treats it as hostile input: every field is checked, and every problem is
// reported with its position. Encode writes one text for one lock, without
// times, host facts or a hash over the whole file, so that a lock that did not
// change is not written and branches that add different plugins merge cleanly.
package lockfile
