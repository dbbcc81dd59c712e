package carry

import (
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/sbom"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// warnUnsigned says which drivers a copy holds without the signature that the
// lock names: who installs them under the same rules will be refused.
func warnUnsigned(u *ui.UI, lock *lockfile.Lock, graphs []*transfer.Graph) {
	for _, entry := range lock.Plugins {
		if entry.Signature == nil {
			continue
		}
		i := slices.IndexFunc(graphs, func(g *transfer.Graph) bool { return g.Repository == entry.Repository })
		if i < 0 {
			continue
		}
		for _, root := range entry.Roots() {
			if !signedIn(graphs[i], root) {
				u.Warn("%s", entry.Name+" "+ui.Locked(&entry)+": the lock says that it is signed by "+entry.Signature.String()+", and no signature of "+string(root)+" was found to take along")
			}
		}
	}
}

// signedIn reports whether a graph holds anything that refers to a digest and can be a
// signature, or is tagged as one.
func signedIn(g *transfer.Graph, root digest.Digest) bool {
	tag := artifact.ReferrersTag(root) + ".sig"
	return slices.ContainsFunc(g.Manifests, func(m transfer.Manifest) bool {
		return m.Subject == root && !otherwiseReferring(m) || slices.Contains(m.Tags, tag)
	})
}

// otherwiseReferring reports whether a manifest withdraws what it refers to, or says
// what is in it.
func otherwiseReferring(m transfer.Manifest) bool {
	doc, err := artifact.ParseDocument("", m.Desc.MediaType, m.Data)
	return err == nil && (doc.Type() == artifact.TypeLifecycle || doc.Type() == sbom.MediaType)
}
