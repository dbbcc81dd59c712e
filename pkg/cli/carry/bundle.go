package carry

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

func bundleCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Holds(env.Command{
		Use:   "bundle",
		Short: "Pack all that the lock needs into a file or a folder",
		Long: `A bundle is an OCI image layout in a tar, with the lock at its root: any OCI
tool reads it, and sync --from, lock --from, mirror --from and serve --bundle
do.`,
		Examples: []env.Example{
			{"bundle create drivers.tar", "everything that the lock names, and its signatures"},
			{"bundle verify drivers.tar", "after it was carried: is every byte as it was?"},
			{"sync --from drivers.tar", "install from it"},
		},
	}, bundleCreateCommand(e, u), bundleInspectCommand(e, u), bundleVerifyCommand(e, u))
}

func bundleCreateCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var platforms, tools []string
	cmd := e.Command(env.Command{
		Use:   "create FILE [NAME...]",
		Short: "Write what the lock names to a bundle or a folder",
		Long: `One lock gives one bundle, byte for byte, on any machine, as long as the
releases' signatures are the same. A name that ends in / or is a folder's keeps
an unpacked layout there, to be committed: a later run fetches what is new,
leaves alone what is right, and removes what the lock no longer names. A file
that is there is replaced if it is an earlier bundle.

With NAMEs it has only these drivers and what they require. With --file given
several times it serves all these projects: where their locks have a driver in
several releases, each is carried, and the bundle's own lock, by which sync
--from installs where there is no project, has that of the first. Each project's
sync --from goes by its own lock.`,
		Examples: []env.Example{
			{"bundle create drivers.tar", "all platforms of the lock"},
			{"bundle create drivers.tar --platform linux/amd64", "one platform; the lock inside has only that"},
			{"bundle create vendor/plugins/", "a folder to commit beside the manifest"},
			{"bundle create drivers.tar postgres", "one driver, and what it requires"},
			{"bundle create drivers.tar -f a/schemahero-plugins.toml -f b/schemahero-plugins.toml", "for two projects"},
			{"bundle create drivers.tar --include-tool", "with this program inside"},
		},
		Complete: complete.AfterFile(complete.Locked(e)),
		Args:     env.AtLeast(1, "FILE"),
		Run: func(cmd *cobra.Command, args []string) error {
			return runBundle(cmd.Context(), e, u, args[0], args[1:], platforms, tools)
		},
	})
	cmd.Flags().StringSliceVar(&platforms, "platform", nil, "only OS/ARCH")
	cmd.Flags().StringSliceVar(&tools, "include-tool", nil, "this program too, or for other platforms OS/ARCH=FILE")
	cmd.Flags().Lookup("include-tool").NoOptDefVal = "self"
	return cmd
}

func runBundle(ctx context.Context, e *env.Env, u *ui.UI, name string, drivers, platforms, tools []string) error {
	file := e.Abs(name)
	if name == "-" {
		return hint.Usagef("bundle create -: a bundle is not written to standard output; name a file")
	}
	info, err := os.Stat(file)
	folder := strings.HasSuffix(name, "/") || strings.HasSuffix(name, string(filepath.Separator)) || err == nil && info.IsDir()
	projects, err := e.LocksToCarry(u)
	if err != nil {
		return err
	}
	locks, err := bundledLocks(e, projects, drivers, platforms)
	if err != nil {
		return err
	}
	all := transfer.All(locks)
	carriedTools, err := readTools(e, tools)
	if err != nil {
		return err
	}
	if err := checkTarget(e, name, folder, projects, all); err != nil {
		return err
	}
	e.Carrying = true
	if _, err := e.Client(); err != nil {
		return err
	}
	graphs, err := transfer.Plan(ctx, all, e.Repository, transfer.PlanOptions{Sparse: true})
	if err != nil {
		return err
	}
	warnUnsigned(u, all, graphs)
	written := &ocilayout.Written{}
	fetch := transfer.Fetch(e.Repository, transferEvent(u, "fetching"))
	b, err := transfer.Build(locks, graphs, carriedTools, func(b *ocilayout.Bundle) (err error) {
		if !folder {
			return b.WriteTar(ctx, file, fetch)
		}
		written, err = b.WriteFolder(ctx, file, fetch, func() {
			u.Say("waiting for another process, which writes %s", u.Rel(file))
		})
		return err
	})
	u.StopProgress()
	if err != nil {
		return err
	}
	for _, other := range locks[1:] {
		for _, p := range other.Plugins {
			if own, ok := locks[0].Plugin(p.Name); ok {
				u.Say("%s: %s is carried too, beside the %s of the bundle's own lock", p.Name, ui.Locked(&p), ui.Locked(own))
			}
		}
	}
	r := newBundled(name, all, graphs, carriedTools)
	r.Files, r.Bytes, r.Layout = len(b.Blobs)+len(b.Tools), b.Size(), "folder"
	r.Added, r.Removed, r.Kept = len(written.Added), len(written.Removed), written.Kept
	if !folder {
		r.Layout = "tar"
		if r.Digest, err = fileDigest(file); err != nil {
			return err
		}
	}
	var problems []transfer.Problem
	for _, g := range graphs {
		problems = append(problems, g.Problems...)
	}
	return printCarried(u, r.view(r.created), name, problemTexts(problems))
}

// bundledLocks are the locks of a bundle, its own first: of each project's the drivers
// that are named, for the platforms that are.
func bundledLocks(e *env.Env, projects []env.Carried, drivers, platforms []string) ([]*lockfile.Lock, error) {
	var locks []*lockfile.Lock
	known := map[string]bool{}
	for _, p := range projects {
		var here []string
		for _, name := range drivers {
			if _, err := project.Part(p.Lock, []string{name}); err == nil {
				here, known[name] = append(here, name), true
			}
		}
		if len(here) == 0 && len(drivers) > 0 {
			continue
		}
		part, err := project.Part(p.Lock, here)
		if err != nil {
			return nil, err
		}
		if part, err = forPlatforms(e, part, platforms); err != nil {
			return nil, err
		}
		locks = append(locks, part)
	}
	for _, name := range drivers {
		if !known[name] {
			return nil, hint.Usagef("%s: the lock names no such driver", name)
		}
	}
	return transfer.Union(locks)
}

func fileDigest(file string) (digest.Digest, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return digest.FromReader(f)
}

// readTools reads --include-tool: this very program, or another platform's file.
func readTools(e *env.Env, words []string) ([]ocilayout.Tool, error) {
	var out []ocilayout.Tool
	for _, w := range words {
		platform, file := e.Platform, ""
		if w == "self" {
			self, err := os.Executable()
			if err != nil {
				return nil, err
			}
			file = self
		} else {
			text, path, ok := strings.Cut(w, "=")
			if !ok {
				return nil, hint.Usagef("--include-tool=%s: write OS/ARCH=FILE, or nothing for this very program", w)
			}
			var err error
			if platform, err = e.ParsePlatform(text); err != nil {
				return nil, hint.Usage(err)
			}
			file = e.Abs(path)
		}
		sum, err := fileDigest(file)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		for _, t := range out {
			if t.Platform == platform {
				return nil, hint.Usagef("--include-tool: %s is named twice", platform)
			}
		}
		out = append(out, ocilayout.Tool{Platform: platform, Digest: sum, Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(file) }})
	}
	return out, nil
}

func bundleInspectCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Command(env.Command{
		Use:   "inspect FILE",
		Short: "Show what a bundle or an image layout holds",
		Long: `Lists the drivers of a bundle, or of the folder that it was unpacked into, with
versions, platforms and sizes. It reads manifests, not layers: verify does.`,
		Examples: []env.Example{
			{"bundle inspect drivers.tar", "drivers, versions, platforms"},
			{"bundle inspect vendor/plugins -o json", "a folder, for a script"},
			{"bundle inspect drivers.tar -o wide", "with repositories and digests"},
		},
		Args: env.Exactly(1, "FILE"),
		Run: func(cmd *cobra.Command, args []string) error {
			return lookInto(cmd.Context(), e, u, args[0], false)
		},
	})
}

func bundleVerifyCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Command(env.Command{
		Use:   "verify FILE",
		Short: "Verify every byte of a bundle, offline",
		Long: `A bundle that is cut off, or in which any byte differs, is exit code 7. Its
signatures are verified when it is installed, under the project's trust rules.`,
		Examples: []env.Example{
			{"bundle verify drivers.tar", "is it whole?"},
			{"bundle verify vendor/plugins", "is what is committed as it was fetched?"},
			{"bundle verify drivers.tar -q && kubectl schemahero plugin sync --from drivers.tar", "install only what is whole"},
		},
		Args: env.Exactly(1, "FILE"),
		Run: func(cmd *cobra.Command, args []string) error {
			return lookInto(cmd.Context(), e, u, args[0], true)
		},
	})
}

// lookInto inspects or verifies a bundle.
func lookInto(ctx context.Context, e *env.Env, u *ui.UI, name string, whole bool) error {
	s, c, err := e.OpenSource(ctx, name, whole)
	if err != nil {
		return err
	}
	r := newBundled(name, c.All(), c.Graphs, c.Tools)
	r.Files, r.Bytes, r.Layout = c.Files, c.Size, "tar"
	if info, err := os.Stat(e.Abs(name)); err == nil && info.IsDir() {
		r.Layout = "folder"
	}
	text := r.inspected
	if whole {
		text = func(w ui.Lines) {
			w.Line("%s: whole: %s, %s", name, ui.Count(r.Files, "file"), ui.Bytes(r.Bytes))
		}
	}
	if c.Lock == nil {
		u.Warn("%s: has no lock: an image layout that another program made, %s", name, ui.Count(c.Files, "file"))
	}
	return errors.Join(u.Print(r.view(text)), s.Close())
}

// checkTarget refuses, before anything is fetched, to write a bundle or layout
// over what is something else.
func checkTarget(e *env.Env, name string, folder bool, projects []env.Carried, l *lockfile.Lock) error {
	file := e.Abs(name)
	at := filepath.Clean(file)
	if folder {
		at = filepath.Join(file, ocilayout.LockFile)
	}
	for _, p := range projects {
		for _, own := range []string{p.ManifestFile(), p.LockFile()} {
			if at == own || disk.SameFile(at, own) {
				return hint.Usagef("%s: is where the project's own %s is", name, filepath.Base(own))
			}
		}
	}
	if !folder {
		return ocilayout.CheckFile(file)
	}
	if err := notItself(e, file, l); err != nil {
		return err
	}
	return ocilayout.CheckFolder(file)
}

// notItself refuses to write the layout that the lock's drivers come from: what
// else is in it would be removed.
func notItself(e *env.Env, dir string, l *lockfile.Lock) error {
	for _, p := range l.Plugins {
		path, ok := strings.CutPrefix(p.Repository, artifact.LayoutScheme)
		if !ok {
			continue
		}
		rel, err := filepath.Rel(dir, filepath.Join(e.ProjectDir(), filepath.FromSlash(path)))
		if err == nil && filepath.IsLocal(rel) {
			return &ocilayout.FolderError{Folder: dir, Problem: "is where the lock's " + p.Name + " comes from"}
		}
	}
	return nil
}
