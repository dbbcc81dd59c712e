package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// notOnWindows are the scripts that are about something else than Windows has, by
// name: what they need.
var notOnWindows = map[string]string{
	"bundle-serve":      "test: a shell script ends a process",
	"bundle-broken":     "test: tar appends to archives and removes from them",
	"compressions":      "Wine: has no Go",
	"conflict-markers":  "Wine: has no git",
	"encodings":         "test: od and iconv",
	"hostile-text":      "Windows: has no such names of files",
	"merge":             "Wine: has no git",
	"publish-action":    "Wine: has no git",
	"publish-build":     "Wine: has no Go",
	"publish-cgo":       "test: the compilers are those of Linux",
	"publish-immutable": "Wine: has no Go",
	"publish-push":      "Wine: has no Go",
	"publish-sign":      "Wine: has no Go",
	"sbom":              "Wine: has no Go",
	"export-kubernetes": "Wine: has no git",
	"ci":                "Windows: the installer is a shell script",
	"documents":         "test: the examples are for a POSIX shell",
	"examples":          "test: the examples are for a POSIX shell",
	"hostile-archive":   "test: tar packs archives",
	"hostile-files":     "Windows: has no pipes and devices as files",
	"link":              "Wine: makes no symbolic links",
	"linked":            "Windows: drivers are copied, not hard-linked",
	"linked-home":       "Wine: makes no symbolic links",
	"links":             "Wine: makes no symbolic links",
	"modes":             "Windows: has no modes",
	"no-home":           "Windows: has no /dev/null, and another variable for a home",
	"probe":             "test: its drivers are shell scripts",
	"overrides":         "test: its drivers are shell scripts",
	"shared-home":       "Windows: has no modes",
	"system-config":     "Windows: has no modes",
	"interrupt":         "Go: sends no interrupts on Windows",
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
