package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// maxSkew is how far clocks may be apart before certificates and tokens fail.
const maxSkew = 5 * time.Minute

// registries asks each registry of lock and manifest, and each mirror, whether
// it answers.
func (c *checkup) registries(ctx context.Context, p *plugins.Project, lock *lockfile.Lock) {
	client, err := c.a.registry()
	if err != nil {
		c.add(findAdvice, "registry", "", err.Error(), strings.Join(c.a.hints(err), "; "))
		return
	}
	hosts := hostsOf(c.repositories(p, lock))
	for _, h := range hosts {
		c.ping(ctx, client, "registry", h)
	}
	if config, err := c.a.loadConfig(); err == nil {
		var targets []string
		for _, m := range config.Mirrors {
			targets = append(targets, m.Targets...)
		}
		for _, h := range hostsOf(targets) {
			if !slices.Contains(hosts, h) {
				c.ping(ctx, client, "mirror", h)
			}
		}
	}
}

// repositories are those of the lock, and whatever the manifest names.
func (c *checkup) repositories(p *plugins.Project, lock *lockfile.Lock) (out []string) {
	if lock != nil {
		for _, l := range lock.Plugins {
			out = append(out, l.Repository)
		}
	}
	m, err := p.Manifest()
	if err != nil { // told by project; there can be a lock alone
		return out
	}
	builtIn := false
	for _, e := range m.Plugins {
		out = append(append(out, e.Registry...), e.Repository)
		builtIn = builtIn || e.Registry == nil && e.Repository == ""
	}
	out = append(out, m.Registry...)
	if builtIn && m.Registry == nil && lock == nil {
		if names, err := c.a.namespaces(""); err == nil {
			out = append(out, names...)
		}
	}
	return out
}

// hostsOf returns the registries of repositories, each once.
func hostsOf(repositories []string) (hosts []string) {
	for _, r := range repositories {
		host, _, _ := strings.Cut(r, "/")
		if host != "" && !strings.HasPrefix(r, "oci-layout:") && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

func (c *checkup) ping(ctx context.Context, client *registry.Client, check, host string) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	pong, err := client.Ping(ctx, host)
	if err != nil {
		c.add(findAdvice, check, host, err.Error(), strings.Join(c.a.hints(err), "; "))
		return
	}
	text := "answers, no login needed"
	switch {
	case pong.Username != "":
		text = "answers, logged in as " + pong.Username
	case pong.Challenge != "":
		text = "answers, not logged in"
	}
	c.add(findOK, check, host, text, "")
	if skew := c.a.Now().Sub(pong.Date); !pong.Date.IsZero() && (skew > maxSkew || skew < -maxSkew) {
		c.add(findAdvice, "clock", host, fmt.Sprintf("differs from this machine's by %s", skew.Round(time.Second).Abs()), "set this machine's clock: certificates and tokens depend on it")
	}
}
