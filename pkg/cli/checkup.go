package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

// littleRoom is how much free space is worth a word, in bytes: an archive and
// two copies of a driver.
const littleRoom = 256 << 20

// home checks the folder that drivers, store and receipts are kept in.
func (c *checkup) home(engine *install.Engine) {
	dir, on := engine.Home().Dir(), engine.Condition()
	switch {
	case on.Writable != nil:
		c.add(findAdvice, "home", dir, on.Writable.Error(), "make it writable, or name another: --home DIR, or SCHEMAHERO_PLUGIN_HOME=DIR")
	case !on.Exists:
		c.add(findOK, "home", dir, "is made when it is needed", "")
	case on.Free >= 0 && on.Free < littleRoom:
		c.add(findAdvice, "home", dir, ui.Bytes(on.Free)+" are free", "make room, for one by "+c.a.displayName()+" prune")
	default:
		c.add(findOK, "home", dir, "writable, "+ui.Bytes(on.Free)+" are free", "")
	}
}

// host looks for SchemaHero itself, which loads the drivers.
func (c *checkup) host() {
	path, err := exec.LookPath("kubectl-schemahero")
	if err != nil {
		c.add(findAdvice, "host", "kubectl-schemahero", "not found on PATH", "install SchemaHero: kubectl krew install schemahero")
		return
	}
	c.add(findOK, "host", path, "", "")
}

// project checks manifest and lock; it returns nil without a lock.
func (c *checkup) project(p *plugins.Project) (*lockfile.Lock, error) {
	lock, err := p.ReadLock()
	if err != nil {
		return nil, err
	}
	if !exists(p.ManifestFile()) {
		if lock == nil {
			c.add(findAdvice, "manifest", c.a.ui.Rel(p.ManifestFile()), "there is none", c.a.displayName()+" init")
		}
		return lock, nil
	}
	switch err := p.CheckLock().(type) {
	case nil:
		c.add(findOK, "lock", c.a.ui.Rel(p.LockFile()), "current", "")
	case *plugins.StaleError:
		text := "there is none"
		if !err.Missing {
			text = "out of date: " + err.Differences[0].String()
		}
		c.add(findAdvice, "lock", c.a.ui.Rel(p.LockFile()), text, c.a.displayName()+" lock")
	default:
		return nil, err
	}
	return lock, nil
}

// drivers checks what is installed, and what the host would load.
func (c *checkup) drivers(ctx context.Context, p *plugins.Project, lock *lockfile.Lock, start bool) error {
	dirs := c.a.searchPath()
	if lock != nil {
		if err := p.CheckPlatform(); err != nil {
			c.add(findProblem, "lock", c.a.ui.Rel(p.LockFile()), err.Error(), strings.Join(c.a.hints(err), "; "))
		}
	}
	c.aliases(lock)
	statuses, err := p.List(ctx, dirs)
	if err != nil {
		return err
	}
	items, err := p.Locked()
	if err != nil {
		return err
	}
	wanted := map[string]bool{} // by path: another project's driver of the name is no concern of this lock
	for _, it := range items {
		wanted[install.Canonical(it.Path)] = true
	}
	for _, s := range statuses {
		locked := wanted[install.Canonical(s.Path)]
		c.driver(s, locked, dirs)
		switch s.State {
		case install.OK:
			c.executable(ctx, s, locked, start)
		case install.Foreign, install.Shadowed, install.Unused:
			// The host may load it nevertheless. It is not for us to start.
			if info, err := os.Stat(s.Path); err == nil && info.Mode().IsRegular() {
				c.executable(ctx, s, locked, false)
			}
		}
	}
	return nil
}

// aliases tells what an alias costs in the operator (SchemaHero v0.24, v0.25): it
// keeps a driver that it started under the name the driver gives itself, and looks
// for it under the file's.
func (c *checkup) aliases(lock *lockfile.Lock) {
	if lock == nil {
		return
	}
	for _, p := range lock.Plugins {
		if len(p.Aliases) > 0 {
			c.add(findAdvice, "alias", p.Name, "installed as "+strings.Join(p.Aliases, ", ")+" too: under that name SchemaHero's operator starts a process for each connection and ends none, until the pod is out of memory; plan on a command line is not affected",
				"give the operator's pods more memory: nothing that is installed here mends it")
		}
	}
}

func (c *checkup) driver(s install.Status, locked bool, dirs []string) {
	a := c.a
	path := a.ui.Rel(s.Path)
	bad := findAdvice
	if locked {
		bad = findProblem
	}
	switch {
	case s.State == install.OK && s.Unrecorded() && s.Receipt != nil:
		c.add(findAdvice, "driver", path, "is what should be there, but was touched or copied: each command hashes it again", "note it as it is: "+a.displayName()+" sync")
	case s.State == install.OK && s.Unrecorded():
		c.add(findAdvice, "driver", path, "is what should be there, without a receipt: installed by hand, or copied", "adopt it: "+a.displayName()+" sync")
	case s.State == install.OK:
		text := "as installed"
		if locked {
			text = "as locked"
		}
		c.add(findOK, "driver", path, text, "")
		if !install.Searched(s.Path, dirs) {
			c.add(findAdvice, "driver", path, "is not in a folder where the host looks from here", "start the host in the folder of the manifest, or set SCHEMAHERO_PLUGIN_PATH="+filepath.Dir(s.Path))
		}
	case s.State == install.Foreign && !locked && filepath.Dir(s.Path) == dirs[0]:
		c.add(findAdvice, "driver", path, "the host finds it first and never starts it from here: it then takes what is in ~/.schemahero/plugins, or downloads a driver", "remove it, or move it to plugins/bin")
	case s.State == install.Foreign && s.Unjudged:
		c.add(bad, "driver", path, "was not installed by this program, and nothing here tells whether it is the locked driver", "find out, and adopt it if it is: "+a.displayName()+" sync; replace it whatever it is: "+a.displayName()+" sync --force")
	case s.State == install.Foreign:
		c.add(bad, "driver", path, "was not installed by this program", "remove it, or let sync replace it: "+a.displayName()+" sync --force")
	case s.State == install.Shadowed && !locked:
		by, _ := install.Shadow(s.Item, dirs)
		c.add(findOK, "driver", path, "is not used here: the host takes "+a.ui.Rel(by.Path), "")
	case s.State == install.Shadowed:
		by, _ := install.Shadow(s.Item, dirs)
		c.add(bad, "driver", path, ui.HostTakes(by), "remove that file")
	case s.State == install.Unused:
		c.add(findAdvice, "driver", path, "is wanted by no lock", a.displayName()+" prune")
	default:
		c.add(bad, "driver", path, string(s.State), a.displayName()+" sync")
	}
}

// executable reads what an installed driver says of itself, without running it
// unless start.
func (c *checkup) executable(ctx context.Context, s install.Status, locked, start bool) {
	path := c.a.ui.Rel(s.Path)
	bad := findAdvice
	if locked {
		bad = findProblem
	}
	info, err := probe.Inspect(s.Path)
	switch {
	case err != nil:
		c.add(bad, "executable", path, err.Error(), c.a.displayName()+" sync --refetch")
		return
	case info.Go == nil:
		c.add(findAdvice, "executable", path, "is no Go program: nothing can be told of how it was built", "")
	case info.Stub() != "":
		c.add(bad, "executable", path, fmt.Sprintf("was built with CGO_ENABLED=0, but %s needs cgo: it answers the host and fails at work", info.Stub()), "tell its publisher, or take another version: "+c.a.displayName()+" versions "+s.Plugin)
	}
	if info.OS != "" && !info.Serves(hostPlatform().OS, hostPlatform().Arch) {
		c.add(bad, "executable", path, "is for "+info.Platform()+", this machine is "+hostPlatform().String(), c.a.displayName()+" sync --refetch")
	}
	if !start {
		return
	}
	id, err := probe.Identify(ctx, s.Path)
	if err != nil {
		text := err.Error()
		if said := driverSaid(err); len(said) > 0 {
			text += ";" + strings.TrimPrefix(said[len(said)-1], " ")
		}
		c.add(bad, "probe", path, text, "")
		return
	}
	c.add(findOK, "probe", path, strings.TrimSpace(fmt.Sprintf("%s %s, for %s", id.Name, id.Version, strings.Join(id.Engines, ", "))), "")
}
