// Package transfer carries what a lock names across an air gap: to another
// registry (Copy), or into an OCI image layout, a folder or a tar (Bundle).
//
// What is carried are whole graphs, by digest: the index or manifest that a lock
// pins, what it lists, and what refers to it, which is where signatures are.
// Nothing is changed on the way, so whoever holds the lock need not trust the
// carrier.
//
// oras.CopyGraph does not do this. What is copied is planned first, as it is bounded
// and can be asked for without being sent; and CopyGraph lets the media type say what
// is a manifest, takes whatever an index lists for copied if the target has the index,
// leaves out layers that are not to be distributed, and gives up a release over a
// signature whose blob is gone.
package transfer
