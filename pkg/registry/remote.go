package registry

import (
	"net/http"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// remote is a repository of a registry.
type remote struct {
	c       *Client
	name    string
	sources []*source // mirrors, and the origin last
	origin  *source
}

// Name implements Repository.
func (r *remote) Name() string { return r.name }

// request is what to ask of a source of this repository. path comes after
// /v2/NAME/.
func (r *remote) request(s *source, kind Kind, method, path, reference string) *request {
	return &request{
		ep: s.ep, kind: kind, method: method, path: "/v2/" + s.path + "/" + path,
		repo: s.path, scopes: s.pull, name: r.name, reference: reference, mirror: s != r.origin,
	}
}

// served counts which host content came from.
func (c *Client) served(s *source) {
	c.stats.update(func(st *Stats) { st.Served[s.ep.name]++ })
}

// accept names what a manifest may be. Registries convert, or deny, what is not
// named.
func accept() http.Header {
	return http.Header{"Accept": {strings.Join(artifact.DocumentTypes(), ", ")}}
}

// isDigest tells a digest from a tag.
func isDigest(reference string) bool { return strings.Contains(reference, ":") }

// checkDigest refuses what is no digest that can be computed here.
func checkDigest(repository string, d digest.Digest) error {
	if !artifact.IsContentDigest(d) {
		return &ReferenceError{repository + "@" + string(d), "has no digest that is known"}
	}
	return nil
}
