package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
)

// drivers checks what is installed, and what the host would load.
func (x *examination) drivers(ctx context.Context) error {
	p := x.Project
	if x.lock != nil {
		if err := p.CheckPlatform(); err != nil {
			x.add("lock", p.LockFile(), Problem, LockOther, because(err))
		}
		for _, entry := range x.lock.Plugins {
			// In the operator (SchemaHero v0.24, v0.25): it keeps a driver that it
			// started under the name the driver gives itself, and looks for it under
			// the file's.
			if len(entry.Aliases) > 0 {
				x.add("alias", entry.Name, Advice, AliasCosts, named(entry.Aliases...))
			}
		}
	}
	statuses, err := p.List(ctx, x.SearchPath)
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
		x.driver(s, locked)
		switch s.State {
		case install.OK:
			x.executable(ctx, s, locked, x.Probe)
		case install.Foreign, install.Shadowed, install.Unused, install.Overridden:
			// The host may load it nevertheless. It is not for us to start.
			if info, err := os.Stat(s.Path); err == nil && info.Mode().IsRegular() {
				x.executable(ctx, s, locked, false)
			}
		}
	}
	return nil
}

// bad is how bad it is where a file would not load.
func bad(locked bool) State {
	if locked {
		return Problem
	}
	return Advice
}

func (x *examination) driver(s install.Status, locked bool) {
	add := func(state State, code Code, facts ...func(*Finding)) {
		x.add("driver", s.Path, state, code, append(facts, of(s, locked))...)
	}
	first, _ := install.Shadow(s.Item, x.SearchPath)
	switch {
	case s.State == install.OK && s.Unrecorded() && s.Receipt != nil:
		add(Advice, DriverTouched)
	case s.State == install.OK && s.Unrecorded():
		add(Advice, DriverUnrecorded)
	case s.State == install.OK:
		add(OK, DriverFine)
		if !install.Searched(s.Path, x.SearchPath) {
			add(Advice, DriverElsewhere)
		}
	case s.State == install.Foreign && !locked && len(x.SearchPath) > 0 && filepath.Dir(s.Path) == x.SearchPath[0]:
		add(Advice, DriverUnstarted)
	case s.State == install.Foreign && s.Unjudged:
		add(bad(locked), DriverUnjudged)
	case s.State == install.Foreign:
		add(bad(locked), DriverForeign)
	case s.State == install.Shadowed && !locked:
		add(OK, DriverHidden, by(first))
	case s.State == install.Shadowed:
		add(Problem, DriverShadowed, by(first))
	case s.State == install.Overridden:
		by, _ := x.Project.Installer().Home().Overridden(s.Path)
		// What stands there may be gone since the sync that placed the link.
		if info, err := os.Stat(s.Path); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 && runtime.GOOS != "windows" {
			add(bad(locked), DriverOverridden, named(by, "which is not an executable file"))
		} else {
			add(Advice, DriverOverridden, named(by, "not what is locked"))
		}
	case s.State == install.Unused:
		add(Advice, DriverUnused)
	default:
		add(bad(locked), DriverBad)
	}
}

// executable reads what an installed driver says of itself, without running it
// unless start.
func (x *examination) executable(ctx context.Context, s install.Status, locked, start bool) {
	add := func(check string, state State, code Code, facts ...func(*Finding)) {
		x.add(check, s.Path, state, code, append(facts, of(s, locked))...)
	}
	// Its mode is right, so that it is the file system which lets nothing start.
	if _, err := exec.LookPath(s.Path); s.State == install.OK && errors.Is(err, fs.ErrPermission) {
		add("executable", bad(locked), NoExec)
	}
	info, err := probe.Inspect(s.Path)
	switch {
	case err != nil:
		add("executable", bad(locked), NotExecutable, because(err))
		return
	case info.Go == nil:
		add("executable", Advice, NotGo)
	case info.Stub() != "":
		add("executable", bad(locked), Stub, named(info.Stub()))
	}
	if info.OS != "" && !info.Serves(x.Platform.OS, x.Platform.Arch) {
		add("executable", bad(locked), OtherPlatform, named(info.Platform()))
	}
	if !start {
		return
	}
	id, err := probe.Identify(ctx, s.Path)
	if err != nil {
		add("probe", bad(locked), ProbeFailed, because(err))
		return
	}
	add("probe", OK, ProbeFine, func(f *Finding) { f.Identity = &id })
}
