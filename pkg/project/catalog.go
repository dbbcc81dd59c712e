package project

import (
	"context"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// catalog shows the resolver the registries. It remembers each repository's
// tags as long as the Project lives: a command that resolves twice sees the same
// registry both times. A failure is not remembered.
type catalog struct {
	o    Options
	mu   sync.Mutex
	tags map[string]*tagList
}

type tagList struct {
	mu    sync.Mutex // held while the registry is asked, so that it is asked once
	known bool
	tags  []string
}

// Tags implements resolve.Catalog.
func (c *catalog) Tags(ctx context.Context, repository string) ([]string, error) {
	c.mu.Lock()
	if c.tags == nil {
		c.tags = map[string]*tagList{}
	}
	l := c.tags[repository]
	if l == nil {
		l = &tagList{}
		c.tags[repository] = l
	}
	c.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known {
		return l.tags, nil
	}
	tags, err := c.list(ctx, repository)
	if err == nil {
		l.tags, l.known = tags, true
	}
	return tags, err
}

func (c *catalog) list(ctx context.Context, repository string) ([]string, error) {
	repo, err := c.o.repository(repository)
	if err != nil {
		return nil, err
	}
	var tags []string
	err = repo.Tags(ctx, func(page []string) error {
		tags = append(tags, page...)
		return nil
	})
	return tags, err
}

// Reader implements resolve.Catalog.
func (c *catalog) Reader(repository string) (artifact.Reader, error) {
	return c.o.repository(repository)
}

// maxRequests is how many releases are asked for at a time.
const maxRequests = 8
