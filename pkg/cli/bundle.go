package cli

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
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

func (a *app) bundleCommand() *cobra.Command {
	cmd := a.command("bundle", "Carry what the lock needs in one file, or keep it in a folder",
		`A bundle is an OCI image layout in a tar, with the lock at its root: any OCI
tool reads it, and sync --from, lock --from, mirror --from and serve --bundle
do.`,
		examples(
			"bundle create drivers.tar", "everything that the lock names, and its signatures",
			"bundle verify drivers.tar", "after it was carried: is every byte as it was?",
			"sync --from drivers.tar", "install from it"),
		cobra.ArbitraryArgs, a.onlyHolds)
	cmd.AddCommand(a.bundleCreateCommand(), a.bundleInspectCommand(), a.bundleVerifyCommand())
	return cmd
}

func (a *app) bundleCreateCommand() *cobra.Command {
	var platforms, tools []string
	cmd := a.command("create FILE", "Write what the lock names to a bundle or a folder",
		`One lock gives one bundle, byte for byte, on any machine, as long as the
releases' signatures are the same. A name that ends in / or is a folder's keeps
an unpacked layout there, to be committed: a later run fetches what is new,
leaves alone what is right, and removes what the lock no longer names. A file
that is there is replaced where it is an earlier bundle.`,
		examples(
			"bundle create drivers.tar", "all platforms of the lock",
			"bundle create drivers.tar --platform linux/amd64", "one platform; the lock inside has only that",
			"bundle create vendor/plugins/", "a folder to commit beside the manifest",
			"bundle create drivers.tar --include-tool", "with this program inside"),
		exactly(1, "FILE"), func(cmd *cobra.Command, args []string) error {
			return a.runBundle(cmd.Context(), args[0], platforms, tools)
		})
	cmd.Flags().StringSliceVar(&platforms, "platform", nil, "only OS/ARCH")
	cmd.Flags().StringSliceVar(&tools, "include-tool", nil, "this program too, or for other platforms OS/ARCH=FILE")
	cmd.Flags().Lookup("include-tool").NoOptDefVal = "self"
	return cmd
}

func (a *app) runBundle(ctx context.Context, name string, platforms, tools []string) error {
	file := a.abs(name)
	if name == "-" {
		return usagef("bundle create -: a bundle is not written to standard output; name a file")
	}
	info, err := os.Stat(file)
	folder := strings.HasSuffix(name, "/") || strings.HasSuffix(name, string(filepath.Separator)) || err == nil && info.IsDir()
	lock, err := a.lockToCarry(nil)
	if err != nil {
		return err
	}
	if lock, err = forPlatforms(lock, platforms); err != nil {
		return err
	}
	carriedTools, err := a.tools(tools)
	if err != nil {
		return err
	}
	if err := a.checkTarget(name, folder, lock); err != nil {
		return err
	}
	a.carrying = true
	if _, err := a.registry(); err != nil {
		return err
	}
	graphs, err := transfer.Plan(ctx, lock, a.repository, transfer.PlanOptions{Sparse: true})
	if err != nil {
		return err
	}
	a.warnUnsigned(lock, graphs)
	written := &ocilayout.Written{}
	fetch := transfer.Fetch(a.repository, a.transferEvent("fetching"))
	b, err := transfer.Build(lock, graphs, carriedTools, func(b *ocilayout.Bundle) (err error) {
		if !folder {
			return b.WriteTar(ctx, file, fetch)
		}
		written, err = b.WriteFolder(ctx, file, fetch, func() {
			a.ui.Say("waiting for another process, which writes %s", a.ui.Rel(file))
		})
		return err
	})
	a.ui.StopProgress()
	if err != nil {
		return err
	}
	r := newBundled(name, lock, graphs, carriedTools)
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
	return a.printCarried(r.view(r.created), name, problemTexts(problems))
}

func fileDigest(file string) (digest.Digest, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return digest.FromReader(f)
}

// tools reads --include-tool: this very program, or another platform's file.
func (a *app) tools(words []string) ([]ocilayout.Tool, error) {
	var out []ocilayout.Tool
	for _, w := range words {
		platform, file := hostPlatform(), ""
		if w == "self" {
			self, err := os.Executable()
			if err != nil {
				return nil, err
			}
			file = self
		} else {
			text, path, ok := strings.Cut(w, "=")
			if !ok {
				return nil, usagef("--include-tool=%s: write OS/ARCH=FILE, or nothing for this very program", w)
			}
			var err error
			if platform, err = parseMachine(text); err != nil {
				return nil, asUsage(err)
			}
			file = a.abs(path)
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
				return nil, usagef("--include-tool: %s is named twice", platform)
			}
		}
		out = append(out, ocilayout.Tool{Platform: platform, Digest: sum, Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(file) }})
	}
	return out, nil
}

func (a *app) bundleInspectCommand() *cobra.Command {
	return a.command("inspect FILE", "Show what a bundle or an image layout holds",
		`Lists the drivers of a bundle, or of the folder that it was unpacked into, with
versions, platforms and sizes. It reads manifests, not layers: verify does.`,
		examples(
			"bundle inspect drivers.tar", "drivers, versions, platforms",
			"bundle inspect vendor/plugins -o json", "a folder, for a script",
			"bundle inspect drivers.tar -o wide", "with repositories and digests"),
		exactly(1, "FILE"), func(cmd *cobra.Command, args []string) error {
			return a.lookInto(cmd.Context(), args[0], false)
		})
}

func (a *app) bundleVerifyCommand() *cobra.Command {
	return a.command("verify FILE", "Hold every byte of a bundle against its digests, offline",
		`A bundle that is cut off, or in which any byte differs, is exit code 7. Its
signatures are verified when it is installed, under the project's trust rules.`,
		examples(
			"bundle verify drivers.tar", "is it whole?",
			"bundle verify vendor/plugins", "is what is committed as it was fetched?",
			"bundle verify drivers.tar -q && kubectl schemahero plugin sync --from drivers.tar", "install only what is whole"),
		exactly(1, "FILE"), func(cmd *cobra.Command, args []string) error {
			return a.lookInto(cmd.Context(), args[0], true)
		})
}

// lookInto inspects or verifies a bundle.
func (a *app) lookInto(ctx context.Context, name string, whole bool) error {
	s, c, err := a.openSource(ctx, name, whole)
	if err != nil {
		return err
	}
	lock := c.Lock
	if lock == nil {
		lock = &lockfile.Lock{}
	}
	r := newBundled(name, lock, c.Graphs, c.Tools)
	r.Files, r.Bytes, r.Layout = c.Files, c.Size, "tar"
	if info, err := os.Stat(a.abs(name)); err == nil && info.IsDir() {
		r.Layout = "folder"
	}
	text := r.inspected
	if whole {
		text = func(w ui.Lines) {
			w.Line("%s: whole: %s, %s", name, ui.Count(r.Files, "file"), ui.Bytes(r.Bytes))
		}
	}
	if c.Lock == nil {
		a.ui.Warn("%s: has no lock: an image layout that another program made, %s", name, ui.Count(c.Files, "file"))
	}
	return errors.Join(a.ui.Print(r.view(text)), s.Close())
}
