package kube

import (
	"cmp"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// State is what the pods of a Database run, held against the lock.
type State string

// The states.
const (
	Locked   State = "locked"   // the image of the lock
	Other    State = "other"    // another image, or what else is mounted where the host looks
	Unlocked State = "unlocked" // nothing: the host downloads a driver when it starts
	Missing  State = "missing"  // the lock has no driver for the engine
	Pending  State = "pending"  // no pod has started yet
	Unused   State = "unused"   // a locked driver that no Database needs
)

// Policy is what becomes of a new pod as the operator makes it.
type Policy string

// What becomes of it.
const (
	Unasked  Policy = ""         // nobody asked
	Acts     Policy = "acts"     // it gets the image of the lock
	Outdated Policy = "outdated" // it gets another image, or something else is mounted
	Absent   Policy = "absent"   // it gets nothing
	Refuses  Policy = "refuses"  // it is refused
	Unknown  Policy = "unknown"  // the API server could not be asked
)

// Driver is a locked driver.
type Driver struct {
	Name     string
	Version  string
	Aliases  []string // engines under whose names it is in the image too
	Requires []string // other drivers that it needs
}

// Finding is what was found out about a Database, or about a driver that none
// needs.
type Finding struct {
	Namespace, Name string // "" for a driver that no Database needs
	Engines         []string
	Driver          string // of the engine that the host takes; "" where the connection names none
	Version         string // locked; "" if it is not
	State           State
	Image           string // from which its pods take drivers, as they name it
	Mount           string // folder at which it is mounted; "" for the manager's own image
	Policy          Policy
	Refusal         string // what the API server says, where Policy is Refuses or Unknown
}

// Problem returns what is wrong with the engines of a Database, if anything is.
func (f Finding) Problem() (EngineProblem, bool) {
	if f.State == Unused {
		return EngineProblem{}, false
	}
	return problem(f.Namespace+"/"+f.Name, f.Engines)
}

// Lock is what a cluster is held against.
type Lock struct {
	Drivers []Driver
	Folders []string // where the host in a manager's image looks, in its order; absolute
	// Image is the digest of the lock's image. It is asked for once some pod has an
	// image mounted.
	Image func() (digest.Digest, error)
	// Manager is the digest of the manager's image that has the locked drivers in it;
	// "" if it is not known to be one.
	Manager digest.Digest
}

// Check holds a cluster against a lock: a finding for each Database, by namespace and
// name, and then one for each locked driver that none needs. The error is that of
// l.Image.
func (c *Cluster) Check(l Lock) ([]Finding, error) {
	var out []Finding
	used := map[string]bool{}
	for _, d := range c.databases {
		f := Finding{Namespace: d.Namespace, Name: d.Name, Engines: d.Engines}
		if err := c.judge(l, d, &f); err != nil {
			return nil, err
		}
		l.use(used, f.Driver)
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, d := range l.Drivers {
		if !used[d.Name] {
			out = append(out, Finding{Driver: d.Name, Version: d.Version, State: Unused})
		}
	}
	return out, nil
}

// use notes that a driver is needed, and with it all that it requires.
func (l Lock) use(used map[string]bool, name string) {
	for _, d := range l.Drivers {
		if d.Name == name && !used[name] {
			used[name] = true
			for _, r := range d.Requires {
				l.use(used, r)
			}
		}
	}
}

// driver returns the locked driver that the host finds under an engine's name.
func (l Lock) driver(engine string) (Driver, bool) {
	for _, d := range l.Drivers {
		if d.Name == engine || slices.Contains(d.Aliases, engine) {
			return d, true
		}
	}
	if !artifact.HostLooksFor(engine) {
		for _, d := range l.Drivers {
			if d.Name == driverOf(engine) {
				return d, true
			}
		}
	}
	return Driver{}, false
}

func (c *Cluster) judge(l Lock, d Database, f *Finding) error {
	found := false
	if len(d.Engines) > 0 {
		f.Driver = driverOf(d.Engines[0])
		var locked Driver
		if locked, found = l.driver(d.Engines[0]); found {
			f.Driver, f.Version = locked.Name, locked.Version
		}
	}
	f.State = Pending
	worst := -1
	for i := range c.pods {
		p := &c.pods[i]
		if !p.of(d) || !p.counts() {
			continue
		}
		from := p.drivers(l.Folders)
		state, err := l.state(p, from, d.Image != "")
		if err != nil {
			return err
		}
		if bad := slices.Index([]State{Locked, Pending, Other, Unlocked}, state); bad > worst {
			worst = bad
			f.State, f.Image, f.Mount = state, from.reference(), from.mount
		}
	}
	if !found {
		f.State = Missing
	}
	return c.judgeNext(l, d, f)
}

// of reports whether a pod is one of a Database's.
func (p *pod) of(d Database) bool {
	return p.Metadata.Namespace == d.Namespace && p.Metadata.Labels[databaseLabel] == d.Name
}

// counts reports whether a pod is one of those that run now, or are about to.
func (p *pod) counts() bool {
	return p.Metadata.DeletionTimestamp == "" && p.Status.Phase != "Succeeded" && p.Status.Phase != "Failed"
}

// state reports what a pod runs. custom is set if the Database names an image of its
// own for the manager, which may have drivers in it.
func (l Lock) state(p *pod, from source, custom bool) (State, error) {
	if p.Status.Phase == "Pending" || p.Status.Phase == "" {
		return Pending, nil
	}
	locked, err := l.has(from)
	switch {
	case err != nil:
		return "", err
	case locked != nil:
		return Locked, nil
	case from.empty, from.mount == "" && !custom:
		return Unlocked, nil
	}
	return Other, nil
}

// has returns which of the images that drivers are taken from is the lock's, nil if
// none is.
func (l Lock) has(from source) (*image, error) {
	for _, i := range from.images {
		if i.digest == "" {
			continue
		}
		want, err := l.Manager, error(nil)
		if from.mount != "" {
			want, err = l.Image()
		}
		if err != nil || i.digest == want {
			return &i, err
		}
	}
	return nil, nil
}

// reference is the image that drivers are taken from.
func (s source) reference() string {
	if len(s.images) == 0 {
		return ""
	}
	return s.images[len(s.images)-1].reference
}

// judgeNext reports what becomes of the next pod of a Database.
func (c *Cluster) judgeNext(l Lock, d Database, f *Finding) error {
	next, asked := c.next[d.key()]
	switch {
	case !asked:
		return nil
	case next.pod == nil:
		f.Policy, f.Refusal = next.policy, next.text
		return nil
	}
	from := next.pod.drivers(l.Folders)
	locked, err := l.has(from)
	switch {
	case err != nil:
		return err
	case from.mount == "" || from.empty:
		f.Policy, f.Refusal = cmp.Or(next.policy, Absent), next.text
	case locked != nil:
		f.Policy = Acts
	default:
		f.Policy = Outdated
	}
	return nil
}
