// Package diag tells a person where in a file a problem is: positions, all the
// problems of a file in one error, and the line with a caret below it.
//
// ParseTOML reads a document whose every key and value knows where it stands,
// so that the packages above describe their files in terms of keys and values,
// and every mistake (syntax, unknown key, wrong type, a duplicate) is reported
// together with its place. Insert, Delete, Append and Replace change such a
// document and keep every other byte.
package diag
