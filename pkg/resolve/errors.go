package resolve

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Tried is a repository that was looked into in vain.
type Tried struct {
	Repository string
	Err        error // matches artifact.ErrNotFound or artifact.ErrDenied
}

// String returns the error with the repository in front.
func (t Tried) String() string {
	text := t.Err.Error()
	if strings.HasPrefix(text, t.Repository) {
		return text
	}
	return t.Repository + ": " + text
}

// NoRepositoryError says that a plugin is in none of its repositories.
type NoRepositoryError struct {
	Plugin string
	Pos    diag.Position // in the manifest; zero where another plugin requires it
	Wants  string        // "tag TAG" or "digest DIGEST" of an entry that names one; "" for versions
	Tried  []Tried       // in order
}

func (e *NoRepositoryError) Error() string    { return e.Plugin + ": " + e.reasons() }
func (e *NoRepositoryError) Kind() fault.Kind { return fault.Unsatisfied }

// Position is that of the entry in the manifest, zero if it has none.
func (e *NoRepositoryError) Position() diag.Position { return e.Pos }

// reasons tells the tried repositories as a clause.
func (e *NoRepositoryError) reasons() string {
	texts := make([]string, len(e.Tried))
	for i, t := range e.Tried {
		texts[i] = t.String()
	}
	if e.Wants != "" {
		return "no repository has " + e.Wants + ": " + strings.Join(texts, "; ")
	}
	return "no repository: " + strings.Join(texts, "; ")
}

// NoVersionError says that no version of a plugin can be taken: none is
// admitted by the constraint, or all that are admitted were passed over.
type NoVersionError struct {
	Plugin     string
	Constraint string // as written, or the precise version that was asked for
	Pos        diag.Position
	Repository string
	Available  int       // versions that there are
	Newest     string    // of all versions; "" if there is none
	Nearest    string    // to the constraint; "" if there is none
	Unstable   string    // the newest prerelease, if it is newer than Newest; "" if there is none
	Prerelease string    // the newest one that prerelease = true would admit; "" if there is none
	Passed     []Skipped // those that the constraint admits, newest first
	Precise    string    // the version that was asked for, the one of Passed; "" where none was
	Malformed  bool      // each of these is not a manifest that can be followed
}

func (e *NoVersionError) Error() string {
	subject := fmt.Sprintf("%s: no version in %s satisfies %s%s", e.Plugin, e.Repository, e.Constraint, at(e.Pos))
	if e.Precise != "" && len(e.Passed) == 1 {
		return fmt.Sprintf("%s: %s cannot be taken: it %s", e.Plugin, e.Precise, e.Passed[0].Detail)
	}
	if len(e.Passed) > 0 {
		texts := make([]string, 0, len(e.Passed))
		for _, s := range e.Passed[:min(len(e.Passed), 3)] {
			texts = append(texts, s.Version+" "+s.Detail)
		}
		if more := len(e.Passed) - len(texts); more > 0 {
			texts = append(texts, fmt.Sprintf("%d more were passed over", more))
		}
		text := fmt.Sprintf("%s: no version that %s%s admits can be taken: %s", e.Plugin, e.Constraint, at(e.Pos), strings.Join(texts, "; "))
		if e.Newest != "" && e.Newest != e.Passed[0].Version {
			text += "; the newest of all is " + e.Newest
		}
		return text
	}
	if e.Available == 0 {
		return subject + ": it has no version at all"
	}
	text := subject + ": the newest is " + e.Newest
	if e.Nearest != "" && e.Nearest != e.Newest {
		text += ", the nearest " + e.Nearest
	}
	switch {
	case e.Prerelease != "":
		text += fmt.Sprintf("; %s is a prerelease", e.Prerelease)
	case e.Unstable != "":
		text += fmt.Sprintf("; the newest prerelease is %s", e.Unstable)
	}
	return text
}

// Kind is fault.Unsatisfied, or fault.Integrity where all that would do is
// malformed.
func (e *NoVersionError) Kind() fault.Kind {
	if e.Malformed {
		return fault.Integrity
	}
	return fault.Unsatisfied
}

// Position is that of the constraint in the manifest, zero if it has none.
func (e *NoVersionError) Position() diag.Position { return e.Pos }

// PlatformError says that no version which the constraint admits offers all
// declared platforms.
type PlatformError struct {
	Plugin     string
	Constraint string // or "tag TAG", "digest DIGEST"
	Pos        diag.Position
	Repository string
	Version    string              // the newest that the constraint admits
	Missing    []artifact.Platform // of the declared ones, in Version
	Offered    []artifact.Platform // by Version
	Tried      int                 // versions that were looked at
}

func (e *PlatformError) Error() string {
	which := e.Plugin + " " + e.Version
	if e.Tried > 1 {
		which = fmt.Sprintf("%s: none of the %d versions that %s%s admits offers all platforms: the newest, %s,", e.Plugin, e.Tried, e.Constraint, at(e.Pos), e.Version)
	} else {
		which += at(e.Pos) + ":"
	}
	return fmt.Sprintf("%s has no %s, only %s", which, artifact.JoinPlatforms(e.Missing), artifact.JoinPlatforms(e.Offered))
}

func (e *PlatformError) Kind() fault.Kind { return fault.Unsatisfied }

// Position is that of the constraint in the manifest, zero if it has none.
func (e *PlatformError) Position() diag.Position { return e.Pos }

// ConflictError says that the plugins, or a plugin and the host, do not go
// together.
type ConflictError struct {
	Proof       string   // sentences, one a line; the first begins with "Because"
	Plugins     []string // that the proof speaks of, sorted
	Suggestions []Suggestion
}

// Error returns the proof.
func (e *ConflictError) Error() string    { return e.Proof }
func (e *ConflictError) Kind() fault.Kind { return fault.Unsatisfied }

// Position is that of the first constraint in the manifest whose change would do,
// zero for none.
func (e *ConflictError) Position() diag.Position {
	if len(e.Suggestions) == 0 {
		return diag.Position{}
	}
	return e.Suggestions[0].Pos
}

// Suggestion is one change of the manifest with which there is a solution.
type Suggestion struct {
	Plugin string // artifact.Host for the host's version
	From   string // what the manifest says
	To     string // what it could say instead
	Pos    diag.Position
}

// String returns `write postgres = "^0.2" in place of "^0.1" (FILE:7)`.
func (s Suggestion) String() string {
	text := fmt.Sprintf("write %s = %q in place of %q%s", s.Plugin, s.To, s.From, at(s.Pos))
	if s.Plugin == artifact.Host {
		text += ", and run that host"
	}
	return text
}

// UnknownPluginError says that neither the manifest nor the lock has a plugin
// that was named.
type UnknownPluginError struct{ Plugin string }

func (e *UnknownPluginError) Error() string {
	return e.Plugin + ": is neither in the manifest nor required by a driver in it"
}

func (e *UnknownPluginError) Kind() fault.Kind { return fault.Usage }

// where returns FILE:LINE as proofs and messages have it, "" for no place.
func where(p diag.Position) string {
	if p.Line == 0 {
		return ""
	}
	return filepath.Base(p.File) + ":" + strconv.Itoa(p.Line)
}

// at returns " (FILE:LINE)", or nothing for no position.
func at(p diag.Position) string {
	if w := where(p); w != "" {
		return " (" + w + ")"
	}
	return ""
}
