// Package registry is the only client of OCI registries, of OCI image layouts
// and of bundles. All of them are a Repository: tags, manifests and blobs by
// digest. That of a registry is a Target too, which can be written to.
//
// A Client is one HTTP client with one place for each policy: which hosts may
// be asked over plain HTTP, where credentials go, what is tried again and how
// often, which mirror stands for which repository, what is cached. Making one
// reads no file and opens no connection.
//
// The protocol is that of the OCI distribution-spec v1.1
// (https://github.com/opencontainers/distribution-spec), with token
// authentication as distribution defines it
// (https://distribution.github.io/distribution/spec/auth/).
package registry
