package cli

import (
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// warnUnsigned says which drivers a copy holds without the signature that the
// lock names: who installs them under the same rules will be refused.
func (a *app) warnUnsigned(lock *lockfile.Lock, graphs []*transfer.Graph) {
	for _, entry := range lock.Plugins {
		if entry.Signature == nil {
			continue
		}
		i := slices.IndexFunc(graphs, func(g *transfer.Graph) bool { return g.Repository == entry.Repository })
		if i < 0 {
			continue
		}
		for _, root := range signedRoots(entry) {
			if !signedIn(graphs[i], root) {
				a.warn("%s", escape(entry.Name+" "+entryVersion(&entry)+": the lock says that it is signed by "+signerText(entry.Signature)+", and no signature of "+string(root)+" was found to take along"))
			}
		}
	}
}

// signedRoots returns what of an entry must be signed: what its tag named, or in
// the tags layout each platform's manifest.
func signedRoots(entry lockfile.Plugin) []digest.Digest {
	var out []digest.Digest
	for _, p := range entry.Platforms {
		if root := signedRoot(entry, p); !slices.Contains(out, root) {
			out = append(out, root)
		}
	}
	return out
}

// signedRoot is where the chain to a platform's layer begins.
func signedRoot(entry lockfile.Plugin, p lockfile.Platform) digest.Digest {
	if entry.Digest == "" || p.Tag != "" {
		return p.Manifest
	}
	return entry.Digest
}

// signedIn tells whether a graph holds anything that refers to a digest, or is
// tagged as its signature.
func signedIn(g *transfer.Graph, root digest.Digest) bool {
	tag := strings.Replace(string(root), ":", "-", 1) + ".sig"
	return slices.ContainsFunc(g.Manifests, func(m transfer.Manifest) bool {
		return m.Subject == root || slices.Contains(m.Tags, tag)
	})
}
