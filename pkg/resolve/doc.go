// Package resolve turns a manifest and what registries hold into a lock.
//
// Resolve chooses, for each driver, the highest version that its constraint
// admits and that offers every declared platform, and keeps what is locked as
// long as it satisfies the manifest. Stale tells without any network whether a
// lock satisfies a manifest; Explain, Versions, Outdated and Tree answer what
// people ask of a lock; Check finds tags that moved.
package resolve
