package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// notOnWindows are the scripts that are not run on Windows, by name: whether that is
// for Windows, for Wine, under which they are run, or for the script, and why.
var notOnWindows = map[string]string{
	"bundle-broken":     "test: tar appends to archives and removes from them",
	"bundle-serve":      "test: a shell script ends a process",
	"ci":                "Windows: the installer is a shell script",
	"compressions":      "Wine: has no Go",
	"conflict-markers":  "Wine: has no git",
	"documents":         "test: the examples are for a POSIX shell",
	"examples":          "test: the examples are for a POSIX shell",
	"export-kubernetes": "Wine: has no git",
	"hostile-archive":   "test: tar packs archives",
	"hostile-files":     "Windows: has no pipes and devices as files",
	"hostile-text":      "Windows: has no such names of files",
	"interrupt":         "Go: sends no interrupts on Windows",
	"link":              "Wine: makes no symbolic links",
	"linked":            "Windows: drivers are copied, not hard-linked",
	"linked-home":       "Wine: makes no symbolic links",
	"links":             "Wine: makes no symbolic links",
	"merge":             "Wine: has no git",
	"modes":             "Windows: has no modes",
	"no-home":           "Windows: has no /dev/null, and another variable for a home",
	"overrides":         "test: its drivers are shell scripts",
	"probe":             "test: its drivers are shell scripts",
	"publish-action":    "Wine: has no git",
	"publish-build":     "Wine: has no Go",
	"publish-cgo":       "test: the compilers are those of Linux",
	"publish-immutable": "Wine: has no Go",
	"publish-push":      "Wine: has no Go",
	"publish-sign":      "Wine: has no Go",
	"sbom":              "Wine: has no Go",
	"shared-home":       "Windows: has no modes",
	"system-config":     "Windows: has no modes",
}

// windowsScripts copies the scripts for Windows, where what is told has backslashes
// in its paths: a slash in a pattern stands for either. Those that are not for it are
// skipped.
func windowsScripts(t *testing.T) (files []string) {
	all, err := filepath.Glob(filepath.Join(scripts, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	pattern := regexp.MustCompile(`(?m)^(\[[!\w:]+\] )?(! )?(stdout|stderr) .*$`)
	home := regexp.MustCompile(`(?m)^env HOME=(.*)$`)
	slash := regexp.MustCompile(`\[[^\]]*\]|/`)
	for _, file := range all {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if reason, ok := notOnWindows[name]; ok {
			t.Run(name, func(t *testing.T) { t.Skip(reason) })
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		script, fixtures, found := strings.Cut(string(data), "\n-- ")
		script = home.ReplaceAllString(script, "env HOME=$1 USERPROFILE=$1")
		script = pattern.ReplaceAllStringFunc(script, func(line string) string {
			return slash.ReplaceAllStringFunc(line, func(s string) string {
				if s == "/" {
					return `[/\\]+`
				}
				return s
			})
		})
		if found {
			script += "\n-- " + fixtures
		}
		file = filepath.Join(dir, name+".txtar")
		if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
