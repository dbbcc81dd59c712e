package machine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/doctor"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func doctorCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var start bool
	cmd := e.Command(env.Command{
		Use:   "doctor",
		Short: "Diagnose problems and say what to run",
		Long: `Looks at configuration, home, manifest, lock, installed drivers, the host's
discovery order, trust rules, registries, mirrors, credentials, withdrawn
releases and this machine's clock. Exit code 1 where a locked driver would not
load; advice alone is exit code 0.

Nothing is changed and, without --probe, no driver is started.`,
		Examples: []env.Example{
			{"doctor", "check this project and machine"},
			{"doctor --offline", "ask no registry"},
			{"doctor --probe", "also start each installed driver once"},
		},
		Args:     env.None,
		Complete: complete.Nothing,
		Run:      func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), e, u, start) },
	})
	cmd.Flags().BoolVar(&start, "probe", false, "start each installed driver once (runs its code)")
	return cmd
}

// finding is an item of a FindingList: what one check saw.
type finding struct {
	State   string `json:"state" col:"STATE"` // ok, advice or problem
	Check   string `json:"check" col:"CHECK,name"`
	Subject string `json:"subject" col:"SUBJECT"`
	Text    string `json:"text" col:"FINDING"`
	Hint    string `json:"hint" col:"RUN"`
}

func runDoctor(ctx context.Context, e *env.Env, u *ui.UI, start bool) error {
	o, err := e.Examination()
	if err != nil {
		return err
	}
	o.Probe = start
	found, err := doctor.Examine(ctx, o)
	if err != nil {
		return err
	}
	var items []finding
	problems := 0
	for _, f := range found {
		text, run := say(e, u, f)
		items = append(items, finding{string(f.State), f.Check, subject(u, f), text, run})
		if f.State == doctor.Problem {
			problems++
		}
	}
	v := ui.List("FindingList", "check", items)
	v.Text = func(w ui.Lines) {
		for _, f := range items {
			line := fmt.Sprintf("%-8s %s %s", f.State, f.Check, f.Subject)
			if f.Text != "" {
				line += ": " + f.Text
			}
			w.Line("%s", line)
			if f.Hint != "" {
				w.Line("%-8s %s", "", f.Hint)
			}
		}
	}
	if err := u.Print(v); err != nil {
		return err
	}
	if problems > 0 {
		return hint.Refuse("doctor: " + ui.Count(problems, "problem"))
	}
	return nil
}

// subject is what a finding is about, as it is shown.
func subject(u *ui.UI, f doctor.Finding) string {
	switch f.Check {
	case "manifest", "lock", "driver", "executable", "probe":
		return u.Rel(f.Subject)
	case "trust":
		return fmt.Sprintf("%s, by %s", f.Subject, rulePlace(u, f.Trusted))
	}
	return f.Subject
}

func rulePlace(u *ui.UI, t doctor.Trusted) string {
	if t.Rule == nil {
		return u.Rel(t.File)
	}
	return fmt.Sprintf("%s:%d", u.Rel(t.Rule.Pos.File), t.Rule.Pos.Line)
}

// say is a finding in words, and what to run.
func say(e *env.Env, u *ui.UI, f doctor.Finding) (text, run string) {
	me := e.Name()
	switch f.Code {
	case doctor.HomeUnwritable:
		return f.Err.Error(), "make it writable, or name another: --home DIR, or SCHEMAHERO_PLUGIN_HOME=DIR"
	case doctor.HomeMissing:
		return "is made when it is needed", ""
	case doctor.HomeFull:
		return ui.Bytes(f.Bytes) + " are free", "free disk space, for example with " + me + " prune"
	case doctor.HomeFine:
		if f.Bytes < 0 {
			return "writable", ""
		}
		return "writable, " + ui.Bytes(f.Bytes) + " are free", ""
	case doctor.HostMissing:
		return "not found on PATH", "install SchemaHero: kubectl krew install schemahero"
	case doctor.NoManifest:
		return "there is none", me + " init"
	case doctor.LockCurrent:
		return "current", ""
	case doctor.LockMissing:
		return "there is none", me + " lock"
	case doctor.LockStale:
		stale, _ := errors.AsType[*project.StaleError](f.Err)
		return "out of date: " + stale.Differences[0].String(), me + " lock"
	case doctor.LockOther, doctor.RegistryFails:
		return f.Err.Error(), strings.Join(hint.For(e.Hints(u.Rel), f.Err), "; ")
	case doctor.AliasCosts:
		return "installed as " + strings.Join(f.Names, ", ") + " too: under that name SchemaHero's operator starts a process for each connection and ends none, until the pod is out of memory; plan on a command line is not affected",
			"give the operator's pods more memory: nothing that is installed here fixes it"
	case doctor.TrustState:
		return sayTrust(me, f.Trusted)
	case doctor.RegistryOpen:
		return "answers, no login needed", ""
	case doctor.RegistryKnows:
		return "answers, logged in as " + f.Names[0], ""
	case doctor.RegistryAsks:
		return "answers, not logged in", ""
	case doctor.ReleaseWithdrawn:
		run := "see what there is: " + me + " versions " + f.Subject
		if f.Instead != "" {
			run = me + " update " + f.Subject
		}
		if f.Instead != "" && !f.Newer { // an update alone never goes back
			run += " --precise " + f.Instead
		}
		return f.Withdrawn.Entry.Version + " " + f.Withdrawn.By.String(), run
	case doctor.ClockOff:
		return fmt.Sprintf("differs from this machine's by %s", f.Skew.Round(time.Second)), "set this machine's clock: certificates and tokens depend on it"
	}
	return sayDriver(e, u, f)
}

// sayDriver is say for what is found about an installed file.
func sayDriver(e *env.Env, u *ui.UI, f doctor.Finding) (text, run string) {
	me := e.Name()
	switch f.Code {
	case doctor.DriverTouched:
		return "is what should be there, but was touched or copied: each command hashes it again", "note it as it is: " + me + " sync"
	case doctor.DriverUnrecorded:
		return "is what should be there, without a receipt: installed by hand, or copied", "adopt it: " + me + " sync"
	case doctor.DriverFine:
		if f.Locked {
			return "as locked", ""
		}
		return "as installed", ""
	case doctor.DriverElsewhere:
		return "is not in a folder where the host looks from here", "start the host in the folder of the manifest, or set SCHEMAHERO_PLUGIN_PATH=" + filepath.Dir(f.Subject)
	case doctor.DriverUnstarted:
		return "the host finds it first and never starts it from here: it then takes what is in ~/.schemahero/plugins, or downloads a driver", "remove it, or move it to plugins/bin"
	case doctor.DriverUnjudged:
		return "was not installed by this program, and nothing here shows whether it is the locked driver", "find out, and adopt it if it is: " + me + " sync; replace it whatever it is: " + me + " sync --force"
	case doctor.DriverForeign:
		return "was not installed by this program", "remove it, or let sync replace it: " + me + " sync --force"
	case doctor.DriverHidden:
		return "is not used here: the host takes " + u.Rel(f.First.Path), ""
	case doctor.DriverShadowed:
		return ui.HostTakes(f.First), "remove that file"
	case doctor.DriverOverridden:
		return "overridden by " + u.Rel(f.Names[0]) + ", " + f.Names[1], "for the locked driver, take it out of [overrides] in HOME/config.toml and run " + me + " sync"
	case doctor.DriverUnused:
		return "is wanted by no lock", me + " prune"
	case doctor.DriverBad:
		return string(f.Status.State), me + " sync"
	case doctor.NotExecutable:
		return f.Err.Error(), me + " sync --refetch"
	case doctor.NoExec:
		return "may not be started by this user: its file system lets no program start (noexec)", "install to another: " + me + " sync --dir DIR, and set SCHEMAHERO_PLUGIN_PATH=DIR"
	case doctor.NotGo:
		return "is not a Go program: nothing can be told of how it was built", ""
	case doctor.Stub:
		return fmt.Sprintf("was built with CGO_ENABLED=0, but %s needs cgo: it answers the host and fails at work", f.Names[0]), "tell its publisher, or take another version: " + me + " versions " + f.Status.Plugin
	case doctor.OtherPlatform:
		return "is for " + f.Names[0] + ", this machine is " + e.Platform.String(), me + " sync --refetch"
	case doctor.ProbeFailed:
		text = f.Err.Error()
		if said := ui.DriverSaid(f.Err); len(said) > 0 {
			text += ";" + strings.TrimPrefix(said[len(said)-1], " ")
		}
		return text, ""
	case doctor.ProbeFine:
		return strings.TrimSpace(fmt.Sprintf("%s %s, for %s", f.Identity.Name, f.Identity.Version, strings.Join(f.Identity.Engines, ", "))), ""
	}
	return "", ""
}

func sayTrust(me string, t doctor.Trusted) (text, run string) {
	show := me + " trust show " + t.Reference()
	switch {
	case t.State == doctor.Verified:
		return "verified here", ""
	case t.State == doctor.Unverified:
		return "not yet verified here: the next sync does", ""
	case t.State == doctor.Unasked:
		return "accepted unsigned", ""
	case t.Rule == nil:
		return "the next sync refuses it: its repository is in the scope of no rule", show
	}
	return "the next sync refuses it, unless the rule's signers sign it: it is locked as signed by " + t.Entry.Signature.String(), show
}
