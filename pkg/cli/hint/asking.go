package hint

import (
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/kube"
)

// asking are the errors of asking a cluster.
func asking() []row {
	return []row{
		on(func(_ Context, e *kube.ConfigError) []string {
			if len(e.Contexts) > 0 {
				return []string{"name a context: --context " + strings.Join(e.Contexts, ", or --context ")}
			}
			return []string{"see what kubectl makes of it: kubectl config view; name another: --kubeconfig FILE"}
		},
			told("`kubeconfig: names no current context`, `has no context`", "`kubectl config get-contexts` lists them: `--context NAME`", fault.Usage),
			told("`kubeconfig: …`", "`kubectl config view` reads the same files; `--kubeconfig FILE` names another", fault.Usage)),
		on(func(_ Context, _ *kube.FileError) []string {
			return []string{"see what kubectl makes of it: kubectl apply --dry-run=client -f FILE"}
		}, told("`FILE: …` of `init --from`", "`kubectl apply --dry-run=client -f FILE` shows what kubectl makes of it", fault.Failure, fault.Usage)),
		on(denied,
			told("`cluster …: denied: may not list …`", "In one namespace it may be allowed: `-n NAMESPACE`. Otherwise the hint has the rule that is missing", fault.Denied),
			told("`cluster …: unauthorized`, `no credentials`", "A token or certificate may have expired: log in as you do for kubectl; `kubectl auth whoami` shows whether that works", fault.Denied)),
		on(func(_ Context, _ *kube.MissingError) []string {
			return []string{"install SchemaHero there: kubectl schemahero install; or name another cluster: --context NAME"}
		}, told("`SchemaHero is not installed there`", "`kubectl schemahero install`, or another cluster: `--context NAME`", fault.Unsatisfied)),
		on(func(_ Context, _ *kube.ServerError) []string {
			return []string{"see whether kubectl reaches it: kubectl get --raw /readyz"}
		}, told("`cluster …: no answer within …`, `answers 5…`, `does not answer with`, `connection refused`, `certificate signed by unknown authority`", "`kubectl get --raw /readyz` shows whether kubectl reaches it; otherwise see the kubeconfig's `server` and `certificate-authority`. What is not an answer of Kubernetes is not shown: it could be a part of an object", fault.Unreachable)),
	}
}

// denied says how to be allowed: in one namespace, or by the rule that is missing.
func denied(_ Context, e *kube.DeniedError) []string {
	if e.Unknown || e.Helper != "" {
		return []string{"log in as you do for kubectl; to see whether that works: kubectl auth whoami"}
	}
	rule := fmt.Sprintf("role schemahero-drivers --namespace %s", e.Namespace)
	var out []string
	if e.Namespace == "" {
		out, rule = []string{"ask for one namespace: -n NAMESPACE"}, "clusterrole schemahero-drivers"
	}
	return append(out, fmt.Sprintf("the rule that is missing: kubectl create %s --verb=%s --resource=%s", rule, e.Verb, e.Kinds()))
}
