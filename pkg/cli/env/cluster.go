package env

import (
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/kube"
)

// ClusterFlags say which cluster is asked and what of it is read, by kubectl's names.
type ClusterFlags struct {
	Kubeconfig, Context, Namespace string
	All                            bool
}

// clusterFlags are their names.
func clusterFlags() []string { return []string{"kubeconfig", "context", "namespace", "all-namespaces"} }

// Add gives a command these flags.
func (f *ClusterFlags) Add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.Kubeconfig, "kubeconfig", "", "the kubeconfig (default: KUBECONFIG, else ~/.kube/config, else the account of the pod)")
	cmd.Flags().StringVar(&f.Context, "context", "", "a context of the kubeconfig (default: its current one)")
	cmd.Flags().StringVarP(&f.Namespace, "namespace", "n", "", "the namespace to read (default: that of the context)")
	cmd.Flags().BoolVarP(&f.All, "all-namespaces", "A", false, "read all namespaces")
	cmd.MarkFlagsMutuallyExclusive("namespace", "all-namespaces")
}

// GivenClusterFlag is the first of these flags that was given, "" for none.
func GivenClusterFlag(cmd *cobra.Command) string {
	given := slices.DeleteFunc(clusterFlags(), func(name string) bool { return !cmd.Flags().Changed(name) })
	if len(given) == 0 {
		return ""
	}
	return given[0]
}

// accountDir is where a pod finds what its cluster is asked with.
const accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// Cluster opens the cluster that kubectl would ask.
func (e *Env) Cluster(f ClusterFlags) (*kube.Client, error) {
	if e.Flags.Offline {
		return nil, hint.Refuse("cluster: not contacted, because of --offline", "drop --offline and unset SCHEMAHERO_PLUGIN_OFFLINE")
	}
	return kube.Open(e.clusterOptions(f))
}

// Contexts are the names of what --context can be.
func (e *Env) Contexts(f ClusterFlags) []string { return kube.Contexts(e.clusterOptions(f)) }

func (e *Env) clusterOptions(f ClusterFlags) kube.Options {
	o := kube.Options{
		Context: f.Context, Namespace: f.Namespace, All: f.All,
		UserAgent: e.userAgent(), Asked: e.Events.Cluster,
	}
	files := filepath.SplitList(e.Getenv("KUBECONFIG"))
	if home := e.UserHome(); len(files) == 0 && home != "" {
		files = []string{filepath.Join(home, ".kube", "config")}
	}
	for _, file := range files {
		if file != "" {
			o.Files = append(o.Files, e.Abs(file))
		}
	}
	if f.Kubeconfig != "" {
		o.File = e.Abs(f.Kubeconfig)
	}
	host, port := e.Getenv("KUBERNETES_SERVICE_HOST"), e.Getenv("KUBERNETES_SERVICE_PORT")
	if host != "" && port != "" && Exists(filepath.Join(accountDir, "token")) {
		o.Pod = &kube.Account{Host: host, Port: port, Dir: accountDir}
	}
	return o
}
