package cluster

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
)

// What --on and --api take, the default first.
func workloads() []string   { return []string{"statefulsets", "pods"} }
func apiVersions() []string { return []string{"v1", "v1beta1"} }

// ExportKubernetesCommand is `export kubernetes`. It stands below the export command
// of another group.
func ExportKubernetesCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var ref, on, api string
	var o image.PolicyOptions
	cmd := e.Command(env.Command{
		Use:   "kubernetes --image REF",
		Short: "Write the policy that makes a cluster run the locked drivers",
		Long: `A MutatingAdmissionPolicy and its binding: the image that image push makes of
the lock is mounted, by its digest, where the host in the pods of SchemaHero's
operator looks first. All is read from the lock and from what is known of its
layers, without network. A digest in REF must be that of the lock's image; a tag
in it says nothing.

On StatefulSets, as by default, the pods roll when the digest changes, as soon
as the operator writes them again. On pods nothing rolls: delete them.

--deny adds a ValidatingAdmissionPolicy: a pod without this image, or with
another volume where the host looks, is refused.

--init-container is for nodes without image volumes: two init containers copy
the drivers. The first brings what copies, from an image with a static
/bin/busybox.`,
		Examples: []env.Example{
			{"export kubernetes --image registry.internal/apps/drivers -n shop > drivers.yaml", "what to commit, and to apply"},
			{"export kubernetes --image registry.internal/apps/drivers -n shop --deny", "nothing else runs there"},
			{"export kubernetes --image registry.internal/apps/drivers --init-container=registry.internal/busybox@sha256:…", "for nodes without image volumes"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run: func(*cobra.Command, []string) error {
			for _, c := range []struct {
				flag, value string
				of          []string
			}{{"--on", on, workloads()}, {"--api", api, apiVersions()}} {
				if !slices.Contains(c.of, c.value) {
					return hint.Usagef("%s %q: must be one of %s", c.flag, c.value, strings.Join(c.of, ", "))
				}
			}
			o.Pods, o.Beta = on != workloads()[0], api != apiVersions()[0]
			return exportKubernetes(e, u, ref, o)
		},
	})
	f := cmd.Flags()
	f.StringVar(&ref, "image", "", "where image push has put the image: HOST/PATH, with or without tag and digest")
	f.StringSliceVarP(&o.Namespaces, "namespace", "n", nil, "only in this namespace; more than once for several (default: in all)")
	f.StringVar(&o.Mount, "mount", image.ManagerFolder, "where in the container manager")
	f.StringVar(&on, "on", workloads()[0], "what the policy changes: "+strings.Join(workloads(), " or "))
	f.StringVar(&o.Copier, "init-container", "", "copy the drivers instead of mounting the image; `IMAGE` has a static /bin/busybox")
	f.Lookup("init-container").NoOptDefVal = image.Copier
	f.BoolVar(&o.Deny, "deny", false, "also refuse pods that run other drivers")
	f.StringVar(&api, "api", apiVersions()[0], "version of the policies' API: v1beta1 for Kubernetes before 1.36")
	f.StringVar(&o.PullSecret, "pull-secret", "", "secret of the pods' namespace that logs in to the image's registry")
	f.StringVar(&o.Name, "name", "schemahero-drivers", "of the objects: one for each lock in a cluster")
	_ = cmd.RegisterFlagCompletionFunc("on", cobra.FixedCompletions(workloads(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("api", cobra.FixedCompletions(apiVersions(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func exportKubernetes(e *env.Env, u *ui.UI, ref string, o image.PolicyOptions) error {
	if ref == "" {
		return hint.Usagef("--image REF is missing: where image push has put the image")
	}
	repository, reference, err := env.SplitReference(ref)
	if err != nil {
		return err
	}
	if strings.Contains(reference, ":") && !artifact.IsDigest(reference) {
		return hint.Usagef("REF %q: %q is not a digest", ref, reference)
	}
	if err := o.Check(repository); err != nil {
		return err
	}
	p, err := e.ProjectOrLock()
	if err != nil {
		return err
	}
	lock, err := e.LockToCarry(u, nil)
	if err != nil {
		return err
	}
	o.Lock = filepath.Base(p.LockFile())
	locked, err := image.Digest(lock, e.Layers(), image.Options{})
	switch named := digest.Digest(reference); {
	case errors.As(err, new(*image.UnknownError)):
		return hint.With(err, "push the image, which reads them: "+e.Name()+" image push "+repository)
	case err != nil:
		return err
	case artifact.IsDigest(reference) && named != locked:
		return &image.OtherError{Repository: repository, Named: named, Locked: locked, Lock: o.Lock}
	}
	text, err := image.Policy(repository, locked, o)
	if err != nil {
		return err
	}
	if o.Copier != "" && !strings.Contains(o.Copier, "@") {
		u.Warn("%s: is a tag, which can move; pin what copies the drivers: --init-container=IMAGE@DIGEST", o.Copier)
	}
	if !image.Searched(o.Mount) {
		u.Warn("%s: the host in the manager's image does not look there, unless SCHEMAHERO_PLUGIN_PATH names it", o.Mount)
	}
	return u.Bytes(text)
}
