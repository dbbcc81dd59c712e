package project

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// PlatformError says that a locked release serves no such platform.
type PlatformError struct {
	Name     string
	Version  string
	Platform artifact.Platform
	Offered  []artifact.Platform // in the lock, sorted
	Declared bool                // the manifest's platforms leave it out
}

func (e *PlatformError) Error() string {
	what := strings.TrimSpace(e.Name + " " + e.Version)
	return fmt.Sprintf("%s: serves no %s; the lock has %s", what, e.Platform, artifact.JoinPlatforms(e.Offered))
}

func (e *PlatformError) Kind() fault.Kind { return fault.Unsatisfied }

// platforms returns the platforms that a sync is for.
func (o SyncOptions) platforms(host artifact.Platform) []artifact.Platform {
	if len(o.Platforms) == 0 {
		return []artifact.Platform{host}
	}
	return o.Platforms
}

// items returns the files that a lock wants, sorted by folder and name, and the
// folders; what is overridden is none of them. Errors: *PlatformError, joined, together with the items of the
// others; those of Part and of the manifest's dir.
func (p *Project) items(in *inputs, lock *lockfile.Lock, overridden []Overridden, o SyncOptions) (items []install.Item, dirs []string, err error) {
	dir := o.Dir
	if dir == "" {
		if dir, err = p.ownDir(in); err != nil {
			return nil, nil, err
		}
	}
	if lock, err = Part(lock, o.Only); err != nil {
		return nil, nil, err
	}
	lock = without(lock, overridden)
	var missing []error
	platforms := o.platforms(p.o.Platform)
	items = slices.Grow(items, len(platforms)*len(lock.Plugins))
	for _, platform := range platforms {
		target := dir
		if len(platforms) > 1 {
			target = filepath.Join(dir, platform.Suffix())
		}
		dirs = append(dirs, target)
		for _, entry := range lock.Plugins {
			locked, ok := entry.Platform(platform)
			if !ok {
				e := NoPlatform(entry, platform)
				e.Declared = in.manifest != nil && len(in.manifest.Platforms) > 0 && !slices.Contains(in.manifest.Platforms, platform)
				missing = append(missing, e)
				continue
			}
			items = appendItems(items, entry, locked, target)
		}
	}
	return items, dirs, parallel.Join(missing)
}

// ownDir is where a project's drivers are installed unless somebody says
// otherwise.
func (p *Project) ownDir(in *inputs) (string, error) {
	if in.manifest != nil {
		if dir, err := in.manifest.Directory(); err != nil || dir != "" {
			return dir, err
		}
	}
	return p.installer.Home().Plugins(), nil
}

// NoPlatform returns the error for an entry that does not serve a platform.
func NoPlatform(entry lockfile.Plugin, platform artifact.Platform) *PlatformError {
	e := &PlatformError{Name: entry.Name, Version: entry.Version, Platform: platform}
	for _, q := range entry.Platforms {
		e.Offered = append(e.Offered, q.Platform)
	}
	return e
}

// appendItems adds the files of one entry: the driver and its aliases.
func appendItems(items []install.Item, entry lockfile.Plugin, locked lockfile.Platform, dir string) []install.Item {
	layer := install.Layer{
		Plugin: entry.Name, Repository: entry.Repository, Platform: locked.Platform,
		Digest: locked.Layer, Size: locked.Size, File: locked.File, Executable: locked.Executable,
	}
	for _, name := range append([]string{entry.Name}, entry.Aliases...) {
		items = append(items, install.Item{
			Name: name, Plugin: entry.Name, Version: entry.Version, Repository: entry.Repository,
			Layer: layer, Path: filepath.Join(dir, locked.Platform.Executable(name)),
		})
	}
	return items
}

func (p *Project) inspect(ctx context.Context, items []install.Item, o SyncOptions) ([]install.Status, error) {
	work, err := p.installer.Inspect(ctx, items)
	if err != nil {
		return nil, err
	}
	if o.Refetch {
		for i := range work {
			if work[i].State == install.OK {
				work[i].State = install.Changed
			}
		}
	}
	return work, nil
}
