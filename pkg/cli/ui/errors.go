package ui

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// The values of --errors.
const (
	errorsText   = "text"
	errorsJSON   = "json"
	errorsGitHub = "github"
)

// ErrorForms are the values of --errors, the usual one first.
func ErrorForms() []string { return []string{errorsText, errorsJSON, errorsGitHub} }

// CheckErrors returns an error for what is not a value of --errors.
func CheckErrors(form string) error {
	if !slices.Contains(ErrorForms(), form) {
		return fmt.Errorf("--errors %q: must be one of %s", form, strings.Join(ErrorForms(), ", "))
	}
	return nil
}

// Told is an error as data. Its fields are the same facts that a person reads.
type Told struct {
	Kind    string `json:"kind"` // fault.Kind's, or "interrupted"
	Code    int    `json:"code"` // exit code of this kind
	Message string `json:"message"`
	File    string `json:"file"`   // as a person reads it: relative where it lies in the working directory
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	Hint    string `json:"hint"`   // what to run, a line each
}

// AsData reports whether --errors asks for errors as data.
func (u *UI) AsData() bool { return u.Errors == errorsJSON || u.Errors == errorsGitHub }

// Tell writes an error as data, on one line.
func (u *UI) Tell(t Told) {
	if u.Errors == errorsGitHub {
		u.write(Escape(u.annotation(t)))
		return
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(t) // strings and numbers always are JSON
	u.write(Escape(strings.TrimSuffix(b.String(), "\n")))
}

// annotation is a workflow command of GitHub Actions
// (https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions#setting-an-error-message),
// escaped as its own toolkit does.
func (u *UI) annotation(t Told) string {
	value := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	text := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	var at []string
	if t.File != "" {
		at = append(at, "file="+value.Replace(u.inWorkspace(t.File)))
	}
	if t.Line > 0 {
		at = append(at, fmt.Sprintf("line=%d", t.Line), fmt.Sprintf("col=%d", t.Column))
	}
	message := t.Message
	for hint := range strings.Lines(t.Hint) {
		message += "\nhint: " + strings.TrimSuffix(hint, "\n")
	}
	return strings.TrimSuffix("::error "+strings.Join(at, ","), " ") + "::" + text.Replace(message)
}

// inWorkspace names a file by its path in the checkout, which is where GitHub looks
// for it, whatever folder the command ran in.
func (u *UI) inWorkspace(file string) string {
	workspace, ok := u.env("GITHUB_WORKSPACE")
	if !ok || workspace == "" {
		return file
	}
	if r, err := filepath.Rel(workspace, system.Abs(u.Dir, file)); err == nil && filepath.IsLocal(r) {
		return filepath.ToSlash(r)
	}
	return file
}
