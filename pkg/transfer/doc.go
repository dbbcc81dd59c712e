// Package transfer carries what a lock names across an air gap: to another
// registry (Copy), or into an OCI image layout, a folder or a tar (Bundle).
//
// What is carried are whole graphs, by digest: the index or manifest that a lock
// pins, what it lists, and what refers to it, which is where signatures are.
// Nothing is changed on the way, so whoever holds the lock need not trust the
// carrier.
package transfer
