package doctor

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// maxSkew is how far clocks may be apart before certificates and tokens fail.
const maxSkew = 5 * time.Minute

// maxPing is how long a registry may take to answer.
const maxPing = 15 * time.Second

// registries asks each registry of lock and manifest, and each mirror, whether
// it answers.
func (x *examination) registries(ctx context.Context) {
	client, err := x.Client()
	if err != nil {
		x.add("registry", "", Advice, RegistryFails, because(err))
		return
	}
	hosts := hostsOf(x.repositories())
	for _, h := range hosts {
		x.ping(ctx, client, "registry", h)
	}
	for _, h := range hostsOf(x.Mirrors) {
		if !slices.Contains(hosts, h) {
			x.ping(ctx, client, "mirror", h)
		}
	}
}

// withdrawn finds locked releases that their publishers have withdrawn. A
// registry that does not answer is found already, and none is asked again.
func (x *examination) withdrawn(ctx context.Context) {
	if !slices.ContainsFunc(x.findings, func(f Finding) bool { return f.Check == "registry" && f.State == OK }) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxPing)
	defer cancel()
	found, _ := x.Project.Withdrawn(ctx)
	for _, w := range found {
		instead, newer, _ := x.Project.Instead(ctx, w.Entry.Name)
		x.add("withdrawn", w.Entry.Name, Advice, ReleaseWithdrawn, func(f *Finding) { f.Withdrawn, f.Instead, f.Newer = w, instead, newer })
	}
}

// repositories are those of the lock, and whatever the manifest names.
func (x *examination) repositories() (out []string) {
	if x.lock != nil {
		for _, l := range x.lock.Plugins {
			out = append(out, l.Repository)
		}
	}
	m, err := x.manifest()
	if err != nil || m == nil {
		return out
	}
	builtIn := false
	for _, e := range m.Plugins {
		out = append(append(out, e.Registry...), e.Repository)
		builtIn = builtIn || e.Registry == nil && e.Repository == ""
	}
	out = append(out, m.Registry...)
	if builtIn && m.Registry == nil && x.lock == nil {
		out = append(out, x.Namespaces...)
	}
	return out
}

// hostsOf returns the registries of repositories, each once.
func hostsOf(repositories []string) (hosts []string) {
	for _, r := range repositories {
		host, _, _ := strings.Cut(r, "/")
		if host != "" && !strings.HasPrefix(r, artifact.LayoutScheme) && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

func (x *examination) ping(ctx context.Context, client *registry.Client, check, host string) {
	ctx, cancel := context.WithTimeout(ctx, maxPing)
	defer cancel()
	pong, err := client.Ping(ctx, host)
	switch {
	case err != nil:
		x.add(check, host, Advice, RegistryFails, because(err))
		return
	case pong.Username != "":
		x.add(check, host, OK, RegistryKnows, named(pong.Username))
	case pong.Challenge != "":
		x.add(check, host, OK, RegistryAsks)
	default:
		x.add(check, host, OK, RegistryOpen)
	}
	if skew := x.Now().Sub(pong.Date); !pong.Date.IsZero() && (skew > maxSkew || skew < -maxSkew) {
		x.add("clock", host, Advice, ClockOff, func(f *Finding) { f.Skew = skew.Abs() })
	}
}
