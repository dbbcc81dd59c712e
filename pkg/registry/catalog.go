package registry

import (
	"context"
	"errors"
	"net/http"
)

// Catalog calls page with the registry's repositories, HOST/PATH, some at a
// time. Errors: *NotSupportedError where the registry has no catalog, and those
// of a Repository.
func (c *Client) Catalog(ctx context.Context, host string, page func(repositories []string) error) error {
	if err := checkHost(host); err != nil {
		return err
	}
	none := &NotSupportedError{host, "catalog"}
	if hostOf(host) == hostOf(dockerHub) {
		return none // Docker Hub refuses it to everyone
	}
	req := &request{ep: c.endpoint(host), kind: KindOther, method: http.MethodGet, path: "/v2/_catalog", scopes: []string{"registry:catalog:*"}}
	begun := false
	err := c.pages(ctx, req, "repositories", func(names []string) error {
		begun = true
		for i, name := range names {
			names[i] = host + "/" + name
		}
		return page(names)
	})
	if err != nil && !begun && unsupported(err) {
		return none
	}
	if errors.As(err, new(*ProtocolError)) && !begun {
		return none // some answer any path with a page of HTML
	}
	return err
}
