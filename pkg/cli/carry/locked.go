package carry

import (
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/sbom"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// forPlatforms returns the part of a lock that --platform asks for. A driver that
// serves none of them is an error, as it is for sync.
func forPlatforms(e *env.Env, l *lockfile.Lock, words []string) (*lockfile.Lock, error) {
	if len(words) == 0 {
		return l, nil
	}
	platforms, err := e.ParsePlatforms(words)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, p := range l.Plugins {
		for _, platform := range platforms {
			if _, ok := p.Platform(platform); !ok {
				errs = append(errs, project.NoPlatform(p, platform))
			}
		}
	}
	return transfer.Restrict(l, platforms), errors.Join(errs...)
}

// transferEvent shows how far a copy has come.
func transferEvent(u *ui.UI, verb string) func(transfer.Event) {
	return func(e transfer.Event) { u.Carry(verb, e.Subject, e.Done, e.Total, e.There) }
}

// problemTexts reports what could not be carried.
func problemTexts(problems []transfer.Problem) []string {
	out := []string{}
	for _, p := range problems {
		out = append(out, p.String())
	}
	slices.Sort(out)
	return out
}

// printCarried prints what was carried. If that is not all, it is a failure:
// then it is told for a person, on standard error.
func printCarried(u *ui.UI, v ui.View, what string, problems []string) error {
	if len(problems) == 0 {
		return u.Print(v)
	}
	if !u.Quiet {
		v.Text(ui.NewLines(u.Err))
	}
	return incomplete(u, what, problems)
}

// incomplete warns of everything that could not be carried; it is nil where there
// is nothing.
func incomplete(u *ui.UI, what string, problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	for _, p := range problems {
		u.Warn("%s", p)
	}
	return hint.Refuse(fmt.Sprintf("%s: incomplete, %s could not be carried", what, ui.Count(len(problems), "item")))
}

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
