package project

import (
	"errors"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// What an update ends with, by what became of a tag; the rest are warnings.
func TestMovedError(t *testing.T) {
	for name, c := range map[string]struct {
		moved resolve.Moved
		u     project.UpdateOptions
		fails bool
		warns bool
	}{
		"moved":                 {resolve.Moved{Kind: resolve.TagMoved, Now: "sha256:1"}, project.UpdateOptions{}, true, false},
		"moved, and gone":       {resolve.Moved{Kind: resolve.ContentGone, Now: "sha256:1"}, project.UpdateOptions{}, true, false},
		"deleted":               {resolve.Moved{Kind: resolve.TagDeleted}, project.UpdateOptions{}, false, true},
		"deleted, and gone":     {resolve.Moved{Kind: resolve.ContentGone}, project.UpdateOptions{}, false, true},
		"floating":              {resolve.Moved{Kind: resolve.TagMoved, Now: "sha256:1", Floating: true}, project.UpdateOptions{}, false, true},
		"another was asked for": {resolve.Moved{Kind: resolve.TagMoved, Now: "sha256:1"}, project.UpdateOptions{Names: []string{"mysql"}}, false, true},
		"accepted":              {resolve.Moved{Kind: resolve.TagMoved, Now: "sha256:1"}, project.UpdateOptions{Names: []string{"postgres"}, AcceptMoved: true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.moved.Plugin = "postgres"
			r := &resolve.Result{Moved: []resolve.Moved{c.moved}}
			err := movedError(r, c.u)
			if fails := errors.As(err, new(*resolve.MovedError)); fails != c.fails || (len(r.Moved) > 0) != c.warns {
				t.Errorf("got %v, and %v left to warn of", err, r.Moved)
			}
		})
	}
}
