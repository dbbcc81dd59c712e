package project

import (
	"context"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// catalog shows the resolver the registries. It remembers each repository's tags,
// and what withdraws a release, as long as the Project lives: a command that
// resolves twice sees the same registry both times. A failure is not remembered.
type catalog struct {
	o           Options
	tags        memory[[]string]
	withdrawals memory[[]artifact.Withdrawal]
}

// memory keeps answers by what was asked.
type memory[T any] struct {
	mu      sync.Mutex
	answers map[string]*answer[T]
}

type answer[T any] struct {
	mu    sync.Mutex // held while the registry is asked, so that it is asked once
	known bool
	value T
}

func (m *memory[T]) get(key string, ask func() (T, error)) (T, error) {
	m.mu.Lock()
	if m.answers == nil {
		m.answers = map[string]*answer[T]{}
	}
	a := m.answers[key]
	if a == nil {
		a = &answer[T]{}
		m.answers[key] = a
	}
	m.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known {
		return a.value, nil
	}
	value, err := ask()
	if err == nil {
		a.value, a.known = value, true
	}
	return value, err
}

// Tags implements resolve.Catalog.
func (c *catalog) Tags(ctx context.Context, repository string) ([]string, error) {
	return c.tags.get(repository, func() ([]string, error) { return c.list(ctx, repository) })
}

func (c *catalog) list(ctx context.Context, repository string) ([]string, error) {
	repo, err := c.o.repository(repository)
	if err != nil {
		return nil, err
	}
	return registry.AllTags(ctx, repo)
}

// Reader implements resolve.Catalog.
func (c *catalog) Reader(repository string) (artifact.Reader, error) {
	return c.o.repository(repository)
}

// maxRequests is how many releases are asked for at a time.
const maxRequests = 8
