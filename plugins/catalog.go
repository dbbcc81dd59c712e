package plugins

import (
	"context"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// catalog shows the resolver the registries. It lists each repository's tags
// once: a command that resolves twice sees the same registry both times.
type catalog struct {
	o    Options
	mu   sync.Mutex
	tags map[string]*tagList
}

type tagList struct {
	once sync.Once
	tags []string
	err  error
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
	l.once.Do(func() { l.tags, l.err = c.list(ctx, repository) })
	return l.tags, l.err
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

// parallelRequests is how many releases are asked for at a time.
const parallelRequests = 8
