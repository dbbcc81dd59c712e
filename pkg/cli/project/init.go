package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/kube"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

// localDir is where the host looks for drivers beside a project.
const localDir = "plugins/bin"

func initCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var from, registry string
	var local, fromCluster bool
	var cluster env.ClusterFlags
	cmd := e.Command(env.Command{
		Use:   "init",
		Short: "Write a manifest, " + project.ManifestName,
		Long: `The manifest is written into the working directory and begins empty, or with
the drivers that --from finds in SchemaHero's YAML: Database and Table objects,
or Lists of them as kubectl get writes, in a folder, a file or standard input.
--from-cluster finds them in the Databases of the cluster that kubectl would
ask. An existing manifest is never overwritten.

--local installs drivers into plugins/bin beside the manifest, where the host
looks too, and keeps that folder out of git.`,
		Examples: []env.Example{
			{"init", "begin in this folder"},
			{"init --local", "drivers of this project only, beside it"},
			{"init --from schemas/", "require the drivers that these YAML files need"},
			{"init --from-cluster -A", "require what the Databases of a cluster need"},
			{"init --from - < objects.yaml", "or what kubectl get databases,tables -A -o yaml wrote"},
		},
		Args:     env.None,
		Complete: complete.Nothing,
		Run: func(cmd *cobra.Command, _ []string) error {
			if flag := env.GivenClusterFlag(cmd); flag != "" && !fromCluster {
				return hint.Usagef("--%s: needs --from-cluster", flag)
			}
			learn := func() (kube.Found, error) { return learned(e, u, from) }
			if fromCluster {
				from = "the cluster"
				learn = func() (kube.Found, error) { return asked(cmd.Context(), e, cluster) }
			}
			return runInit(e, u, from, learn, registry, local)
		},
	})
	cmd.Flags().StringVar(&from, "from", "", "folder or file of SchemaHero YAML to learn the drivers from; - for standard input")
	cmd.Flags().BoolVar(&fromCluster, "from-cluster", false, "learn the drivers from a cluster's Databases")
	cmd.MarkFlagsMutuallyExclusive("from", "from-cluster")
	cluster.Add(cmd)
	cmd.Flags().StringVar(&registry, "registry", "", "registry to write into the manifest")
	cmd.Flags().BoolVar(&local, "local", false, "install into "+localDir+" beside the manifest")
	return cmd
}

// runInit writes a manifest with the drivers that learn finds in from, unless that
// is "".
func runInit(e *env.Env, u *ui.UI, from string, learn func() (kube.Found, error), registry string, local bool) error {
	file := filepath.Join(e.Directory, project.ManifestName)
	if e.Flags.File != "" {
		file = e.Abs(e.Flags.File)
	}
	if env.Exists(file) {
		return hint.Refuse(fmt.Sprintf("%s: exists already", u.Rel(file)), "add drivers to it: "+e.Name()+" add postgres")
	}
	o := manifest.NewOptions{Registry: registry}
	if registry != "" {
		if err := manifest.CheckRegistry(registry); err != nil {
			return hint.Usage(err)
		}
	}
	if local {
		o.Dir = localDir
	}
	var found kube.Found
	if from != "" {
		var err error
		if found, err = learn(); err != nil {
			return err
		}
		for _, n := range found.Needs {
			o.Plugins = append(o.Plugins, manifest.Edit{Name: n.Driver, Version: "*", Aliases: n.Aliases})
		}
	}
	if err := writeNew(file, manifest.New(o)); err != nil {
		return err
	}
	u.Say("wrote %s", u.Rel(file))
	for _, n := range found.Needs {
		u.Say("  %s, for %s", n.Driver, some(n.Objects))
	}
	for _, p := range found.Problems {
		u.Warn("%s", p)
	}
	if from != "" && len(found.Needs)+len(found.Problems) == 0 {
		u.Warn("%s: no Database or Table object of SchemaHero was found", from)
	}
	if local {
		if err := ignore(u, filepath.Join(filepath.Dir(file), ".gitignore"), "/"+localDir+"/"); err != nil {
			return err
		}
	}
	next := "add a driver: " + e.Name() + " add postgres"
	if len(found.Needs) > 0 {
		next = "lock and install: " + e.Name() + " sync"
	}
	u.Hint("next:", "%s", next)
	return nil
}

// maxNamed is how many objects that need a driver are named.
const maxNamed = 10

// some names objects, but not hundreds of them.
func some(objects []string) string {
	if len(objects) <= maxNamed {
		return strings.Join(objects, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(objects[:maxNamed], ", "), len(objects)-maxNamed)
}

// learned reads SchemaHero's YAML: of a folder, a file, or standard input for "-".
func learned(e *env.Env, u *ui.UI, from string) (found kube.Found, err error) {
	if from == "-" {
		return kube.Read("standard input", u.In)
	}
	f, err := os.Open(e.Abs(from))
	if err != nil {
		return found, hint.Usagef("--from %s: no such file or folder", from)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return found, err
	case info.IsDir():
		return kube.Scan(os.DirFS(e.Abs(from)))
	}
	return kube.Read(from, f)
}

// asked reads the Databases of a cluster.
func asked(ctx context.Context, e *env.Env, flags env.ClusterFlags) (kube.Found, error) {
	c, err := e.Cluster(flags)
	if err != nil {
		return kube.Found{}, err
	}
	databases, err := c.Databases(ctx)
	return kube.Needed(databases), err
}

// writeNew makes a file that must not be there yet.
func writeNew(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// ignore adds a line to a .gitignore that lacks it.
func ignore(u *ui.UI, file, line string) error {
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for l := range strings.SplitSeq(string(data), "\n") {
		if strings.Trim(strings.TrimSpace(l), "/") == strings.Trim(line, "/") {
			return nil
		}
	}
	end := "\n"
	if strings.Contains(string(data), "\r\n") {
		end = "\r\n"
	}
	text := line + end
	if len(data) > 0 && data[len(data)-1] != '\n' {
		text = end + text
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	u.Say("added %s to %s", line, u.Rel(file))
	return nil
}
