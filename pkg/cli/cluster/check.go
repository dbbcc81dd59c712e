package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/kube"
)

func clusterCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Holds(env.Command{
		Use:   "cluster",
		Short: "See what a cluster runs",
		Long: `A cluster is the one that kubectl would ask: the same files, the same variable
KUBECONFIG, the same programs for credentials.`,
		Examples: []env.Example{
			{"cluster check", "do the pods of the Databases run what is locked?"},
			{"cluster check -A", "in all namespaces"},
			{"init --from-cluster", "begin with what the Databases need"},
		},
	}, checkCommand(e, u))
}

// check is a run of `cluster check`.
type check struct {
	flags    env.ClusterFlags
	image    string
	noDryRun bool
}

func checkCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var c check
	cmd := e.Command(env.Command{
		Use:   "check",
		Short: "Compare what SchemaHero's pods run with the lock",
		Long: `For each Database: its engine, the driver and its locked version, and what its
pods take drivers from.

  locked    the image of the lock
  other     another image, or another volume where SchemaHero looks
  unlocked  nothing: a driver is downloaded when the pod starts
  missing   the lock has no driver for the engine
  pending   no pod has started yet
  unused    a locked driver that no Database needs

A dry run of a new pod reports whether the policy acts that export kubernetes
writes: nothing is made. Of a connection only the name of its engine is read.
Exit code 3 if anything is not locked.`,
		Examples: []env.Example{
			{"cluster check", "the namespace of kubectl's current context"},
			{"cluster check -n app --image registry.internal/db/drivers@sha256:DIGEST", "compared with this image, which may have a base"},
			{"cluster check -A --no-dry-run -o json", "all namespaces, without the rights to make pods"},
		},
		Args:     env.None,
		Complete: complete.Nothing,
		Run:      func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context(), e, u) },
	})
	c.flags.Add(cmd)
	cmd.Flags().StringVar(&c.image, "image", "", "the image that pods are to run, REF[@DIGEST] (default digest: of the lock's image without a base)")
	cmd.Flags().BoolVar(&c.noDryRun, "no-dry-run", false, "do not ask what would become of a new pod")
	return cmd
}

// database is an item of a DatabaseList: what one Database needs and runs, or a
// driver that none needs.
type database struct {
	Namespace string `json:"namespace" col:"NAMESPACE"`
	Name      string `json:"name" col:"NAME,name"`
	Engine    string `json:"engine" col:"ENGINE"`
	Driver    string `json:"driver" col:"DRIVER"`
	Version   string `json:"version" col:"VERSION"`
	State     string `json:"state" col:"STATE"`
	Policy    string `json:"policy" col:"POLICY"`
	Image     string `json:"image" col:"+IMAGE"`
	Mount     string `json:"mount" col:"+MOUNT"`
	Message   string `json:"message"` // what is wrong with its engines, or what the cluster says of a new pod
}

func (c check) run(ctx context.Context, e *env.Env, u *ui.UI) error {
	lock, err := e.LockToCarry(u, nil)
	if err != nil {
		return err
	}
	against, err := c.lock(e, lock)
	if err != nil {
		return err
	}
	client, err := e.Cluster(c.flags)
	if err != nil {
		return err
	}
	read, err := client.Read(ctx)
	if err != nil {
		return err
	}
	if !c.noDryRun {
		if err := client.Rehearse(ctx, read); err != nil {
			return err
		}
	}
	found, err := read.Check(against)
	if err != nil {
		return err
	}
	if read.Databases() == 0 {
		where := "the cluster"
		if n := client.Namespace(); n != "" {
			where = "namespace " + n
		}
		u.Warn("%s: has no Database", where)
	}
	items := make([]database, len(found))
	for i, f := range found {
		items[i] = item(f)
	}
	if err := u.Print(ui.List("DatabaseList", "database", items)); err != nil {
		return err
	}
	warn(u, found)
	return c.verdict(e.Name(), found)
}

func item(f kube.Finding) database {
	it := database{
		Namespace: f.Namespace, Name: f.Name, Driver: f.Driver, Version: f.Version, State: string(f.State),
		Policy: string(f.Policy), Image: f.Image, Mount: f.Mount, Message: f.Refusal,
	}
	if len(f.Engines) > 0 {
		it.Engine = f.Engines[0]
	}
	if p, bad := f.Problem(); bad {
		it.Message = p.String()
	}
	return it
}

// lock is what the cluster is held against.
func (c check) lock(e *env.Env, lock *lockfile.Lock) (kube.Lock, error) {
	l := kube.Lock{Folders: image.Folders()}
	for _, p := range lock.Plugins {
		// Pods are linux's: what serves nothing else is not there for them.
		if !slices.ContainsFunc(p.Platforms, func(q lockfile.Platform) bool { return q.Platform.OS == "linux" }) {
			continue
		}
		d := kube.Driver{Name: p.Name, Version: p.Version, Aliases: p.Aliases}
		d.Requires = slices.Collect(maps.Keys(p.Requires))
		l.Drivers = append(l.Drivers, d)
	}
	l.Image = sync.OnceValues(func() (digest.Digest, error) {
		d, err := image.Digest(lock, e.Layers(), image.Options{})
		if errors.As(err, new(*image.UnknownError)) {
			err = hint.With(err, "push the image, which reads them: "+e.Name()+" image push "+c.ref(), "or say what it printed: --image "+c.ref()+"@DIGEST")
		}
		return d, err
	})
	if c.image == "" {
		return l, nil
	}
	repository, reference, err := env.SplitReference(c.image)
	if err == nil {
		err = artifact.CheckRepository(repository)
	}
	if err != nil {
		return l, hint.Usage(err)
	}
	if !strings.Contains(c.image, "@") {
		return l, nil
	}
	if !artifact.IsDigest(reference) {
		return l, hint.Usagef("--image %s: %q is not a digest", c.image, reference)
	}
	l.Manager = digest.Digest(reference)
	l.Image = func() (digest.Digest, error) { return l.Manager, nil }
	return l, nil
}

// warn reports what a state does not: an odd Database, and what is to come of a new pod.
func warn(u *ui.UI, found []kube.Finding) {
	said := map[string]bool{}
	for _, f := range found {
		if p, bad := f.Problem(); bad {
			u.Warn("%s", p)
		}
		text := ""
		switch {
		case f.Policy == kube.Refuses:
			text = "a new pod would be refused: " + f.Refusal
		case f.Policy == kube.Unknown:
			text = "what becomes of a new pod is not known: " + f.Refusal
		case f.State == kube.Locked && f.Mount != "" && f.Policy == kube.Absent:
			text = "a new pod would have no image mounted: no policy acts on it"
		case f.State == kube.Locked && f.Policy == kube.Outdated:
			text = "a new pod would have another image mounted"
		}
		if text != "" && !said[text] {
			u.Warn("%s/%s: %s", f.Namespace, f.Name, text)
		}
		said[text] = true
	}
}

// verdict is the error of a cluster that is not as locked, nil if it is, with what
// to do about the first of each kind.
func (c check) verdict(me string, found []kube.Finding) error {
	databases, bad, unused := 0, 0, 0
	var hints, missing []string
	told := map[kube.State]bool{kube.Locked: true, kube.Missing: true}
	for _, f := range found {
		switch f.State {
		case kube.Unused:
			unused++
		case kube.Locked:
			databases++
		default:
			databases++
			bad++
		}
		if f.State == kube.Missing && len(f.Engines) > 0 && !slices.Contains(missing, f.Engines[0]) {
			missing = append(missing, f.Engines[0])
		}
		if !told[f.State] {
			hints = append(hints, c.advice(me, f)...)
		}
		told[f.State] = true
	}
	if len(missing) > 0 {
		hints = append(hints, "lock what is missing: "+me+" add "+strings.Join(missing, " "))
	}
	var texts []string
	if bad > 0 {
		texts = append(texts, fmt.Sprintf("%d of %s not as locked", bad, ui.Count(databases, "Database")))
	}
	if unused > 0 {
		texts = append(texts, ui.Count(unused, "locked driver")+" that no Database needs")
	}
	if len(texts) == 0 {
		return nil
	}
	return hint.With(&hint.DriftError{Text: "cluster: " + strings.Join(texts, "; ")}, hints...)
}

// ref is --image without a digest, or what stands for it.
func (c check) ref() string {
	ref, _, _ := strings.Cut(cmp.Or(c.image, "REF"), "@")
	return ref
}

func (c check) advice(me string, f kube.Finding) []string {
	switch f.State {
	case kube.Pending:
		return []string{fmt.Sprintf("see why no pod has started: kubectl describe statefulsets,pods --namespace %s --selector control-plane=schemahero,database=%s", f.Namespace, f.Name)}
	case kube.Unused:
		return []string{"if no other cluster needs it: " + me + " remove " + f.Driver}
	}
	if f.Policy == kube.Acts {
		made := fmt.Sprintf("--namespace %s --selector control-plane=schemahero,database=%s", f.Namespace, f.Name)
		return []string{
			"the policy acts; have the StatefulSet pass it: kubectl annotate statefulsets " + made + ` --overwrite drivers="$(date +%s)"`,
			"or, where the policy is about pods: kubectl delete pods " + made,
		}
	}
	return []string{"have the image mounted: " + me + " export kubernetes --image " + c.ref() + " | kubectl apply -f -"}
}
