// Package artifact holds the nouns of a driver release: the driver's name, the
// platform it runs on, the tag that names it, the release behind the tag and
// the build for each platform.
//
// A release is published in one of three layouts (index, files, tags); Read
// understands all of them through the small Reader interface, so that callers
// never learn which one an author chose.
package artifact
