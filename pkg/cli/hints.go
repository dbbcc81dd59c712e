package cli

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins"
)

// This file is the one place that knows which command to run next after an
// error. The table in docs/troubleshooting.md follows it.

// hints returns what to do about an error, each line with the exact command.
func (a *app) hints(err error) []string {
	var out []string
	seen := map[string]bool{}
	for _, e := range leaves(err) {
		for _, h := range a.hintsOf(e) {
			if !seen[h] {
				seen[h] = true
				out = append(out, h)
			}
		}
	}
	return out
}

func (a *app) hintsOf(err error) []string {
	if h := a.projectHints(err); h != nil {
		return h
	}
	if h := a.trustHints(err); h != nil {
		return h
	}
	if h := a.publishHints(err); h != nil {
		return h
	}
	if h := a.carryHints(err); h != nil {
		return h
	}
	if h := a.networkHints(err); h != nil {
		return h
	}
	return a.machineHints(err)
}

// projectHints are those about manifest, lock and versions.
func (a *app) projectHints(err error) []string {
	me := a.displayName()
	var (
		own      *refused
		usage    *usageError
		missing  *manifest.NotFoundError
		stale    *plugins.StaleError
		conflict *lockfile.ConflictError
		newer    *lockfile.VersionError
		noVer    *resolve.NoVersionError
		noRepo   *resolve.NoRepositoryError
		platform *plugins.PlatformError
		noPlat   *resolve.PlatformError
		unsolved *resolve.ConflictError
		moved    *resolve.MovedError
		drifted  *drift
	)
	switch {
	case errors.As(err, &own):
		return own.hint
	case errors.As(err, &usage):
		if usage.command != "" {
			return []string{"see " + usage.command + " --help"}
		}
	case errors.As(err, &missing):
		return []string{"write one here: " + me + " init", "or name it: " + me + " --file PATH …"}
	case errors.As(err, &stale):
		if stale.Missing {
			return []string{"write it, then commit it: " + me + " lock"}
		}
		return []string{"bring it up to date, then commit it: " + me + " lock"}
	case errors.As(err, &conflict):
		return []string{"merge it: " + me + " lock"}
	case errors.As(err, &newer):
		return []string{"upgrade this program, or write the lock again with this version: remove the file and run " + me + " lock"}
	case errors.As(err, &noVer) && noVer.Prerelease != "" && noVer.Pos.Line > 0:
		return []string{fmt.Sprintf("take prereleases too: write %s = { version = %q, prerelease = true } in the manifest", noVer.Plugin, noVer.Constraint), "see what there is: " + me + " versions " + noVer.Plugin}
	case errors.As(err, &noVer):
		return []string{"see what there is: " + me + " versions " + noVer.Plugin, "and why each was passed over: " + me + " why " + noVer.Plugin}
	case errors.As(err, &noRepo) && noRepo.Wants != "":
		return []string{"see what there is: " + me + " versions " + noRepo.Plugin}
	case errors.As(err, &noRepo):
		return []string{"check the name, or say where it is: " + me + " add " + noRepo.Plugin + " --registry HOST/PATH"}
	case errors.As(err, &platform):
		return a.platformHints(platform)
	case errors.As(err, &noPlat):
		return []string{"see which versions serve which platforms: " + me + " versions " + noPlat.Plugin}
	case errors.As(err, &unsolved):
		return a.conflictHints(unsolved)
	case errors.As(err, &moved):
		return []string{"find out who moved it; to take what it names now: " + me + " update --accept-moved " + moved.Plugin}
	case errors.As(err, new(*shadowedError)):
		return []string{"remove the files named above, or see who comes first: " + me + " which NAME"}
	case errors.As(err, &drifted) && drifted.next != "":
		return []string{drifted.next}
	case errors.As(err, &drifted):
		return []string{"make this machine match: " + me + " sync"}
	}
	return nil
}

func (a *app) platformHints(e *plugins.PlatformError) []string {
	me := a.displayName()
	if e.Declared {
		return []string{fmt.Sprintf("add %q to platforms in the manifest, then run %s lock", e.Platform, me)}
	}
	if runtime.GOOS != "linux" {
		return []string{
			"see which versions serve which platforms: " + me + " versions " + e.Name,
			"where none serves this machine, run the host in a Linux container, or build the driver here and put it into plugins/bin",
		}
	}
	return []string{"see which versions serve which platforms: " + me + " versions " + e.Name}
}

func (a *app) conflictHints(e *resolve.ConflictError) []string {
	var out []string
	for _, s := range e.Suggestions {
		out = append(out, s.String())
	}
	if len(out) == 0 {
		out = append(out, "relax one of the constraints named above")
	}
	return out
}

// networkHints are those about registries.
func (a *app) networkHints(err error) []string {
	var (
		auth   *registry.AuthError
		down   *registry.UnreachableError
		tls    *registry.TLSError
		scheme *registry.SchemeError
		status *registry.StatusError
	)
	switch {
	case errors.As(err, &auth):
		return a.authHints(auth)
	case errors.As(err, &tls):
		return a.tlsHints(tls)
	case errors.As(err, &scheme):
		if scheme.Used == "https" {
			return []string{fmt.Sprintf("if that is meant: --plain-http, or in HOME/config.toml: [registries.%q] plain-http = true", scheme.Host)}
		}
		return []string{fmt.Sprintf("leave --plain-http out, and plain-http of [registries.%q] in HOME/config.toml", scheme.Host)}
	case errors.As(err, &down):
		return a.unreachableHints(down)
	case errors.As(err, &status) && status.Status == 429:
		return []string{"the registry limits how often it is asked: wait, or log in for a higher limit: " + a.displayName() + " login " + status.Host}
	case errors.As(err, &status) && status.Status >= 500:
		return []string{"the registry has a problem of its own: try again later"}
	case isTimeout(err):
		return []string{"give it more time with --timeout, or none of it"}
	}
	return nil
}

func (a *app) authHints(e *registry.AuthError) []string {
	login := a.displayName() + " login " + e.Registry
	switch e.Kind {
	case registry.AuthWrong:
		return []string{"log in again, with a password or token that is still valid: " + login}
	case registry.AuthInsufficient:
		return []string{"ask the registry's owner for access to the repository, or log in as another user: " + login}
	}
	return []string{"log in: " + login, "a repository that does not exist can look the same: check its name"}
}

func (a *app) tlsHints(e *registry.TLSError) []string {
	table := fmt.Sprintf("in HOME/config.toml: [registries.%q]", e.Host)
	switch e.Kind {
	case registry.TLSUnknownAuthority:
		return []string{"trust the authority that signed its certificate: --ca-file FILE, or " + table + " ca-file = \"FILE\""}
	case registry.TLSClientCertificate:
		return []string{"give the certificate that it asks for, " + table + " client-cert and client-key"}
	case registry.TLSExpired:
		return []string{"check this machine's clock, then tell the registry's owner that its certificate is not valid now"}
	case registry.TLSHostname:
		return []string{"use the host name that its certificate is for, or tell the registry's owner"}
	}
	return []string{"see what is said: " + a.displayName() + " doctor"}
}

func (a *app) unreachableHints(e *registry.UnreachableError) []string {
	switch e.Kind {
	case registry.NetworkDNS:
		return []string{"check the host's name, and this machine's DNS or HTTPS_PROXY"}
	case registry.NetworkProxy:
		return []string{"check HTTPS_PROXY, and list hosts to reach directly in NO_PROXY"}
	case registry.NetworkRefused:
		return []string{"check that the registry runs and that host and port are right"}
	}
	return []string{"try again; behind a proxy set HTTPS_PROXY"}
}

// machineHints are those about files and content.
func (a *app) machineHints(err error) []string {
	me := a.displayName()
	var (
		space  *install.SpaceError
		folder *install.FolderError
		probe  *install.ProbeError
		sum    *artifact.SumError
	)
	switch {
	case len(foreignPaths(err)) > 0:
		return []string{"to overwrite it: " + me + " sync --force", "to keep it, if it is the locked driver: " + me + " doctor tells"}
	case errors.As(err, &space):
		return []string{"make room, for one by " + me + " prune"}
	case errors.As(err, &folder):
		return []string{"make the folder writable, or install elsewhere: --dir DIR"}
	case errors.As(err, &probe):
		return []string{"the driver that was there is untouched; see what is wrong: " + me + " doctor --probe"}
	case errors.As(err, &sum):
		return []string{"tell the publisher: the archive and its .sha256 were not made together"}
	case isIntegrity(err):
		return []string{"nothing was installed; fetch again: " + me + " sync --refetch", "if it happens again, the registry does not hold what was locked: tell its owner"}
	}
	return nil
}
