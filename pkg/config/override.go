package config

import (
	"os"
	"path/filepath"
	"runtime"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// Override is a driver under development, which takes the place of the locked one.
type Override struct {
	Path string // of the executable, absolute

	value *diag.Value
}

func decodeOverrides(t *diag.Table) map[string]Override {
	out := make(map[string]Override, len(t.Entries))
	for _, e := range t.Entries {
		driver, engine := artifact.DriverOf(e.Key)
		if err := artifact.CheckName(e.Key); err != nil {
			e.Problem("is not a driver's name")
		} else if engine && driver != e.Key {
			e.Problem("is an engine that the driver %s serves: write %s", driver, driver)
		}
		if file := path(e.Value); file != "" {
			out[e.Key] = Override{file, e.Value}
		}
	}
	return out
}

// Check returns a *diag.Error where what is named is no executable file, or is what is
// installed at one of places: a link there would lead to itself.
func (o Override) Check(places []string) error {
	problem := func(format string, args ...any) error {
		return o.value.Document().At(o.value.Span, "%s: "+format, append([]any{o.value.Name}, args...)...)
	}
	info, err := os.Stat(o.Path)
	switch target, linkErr := os.Readlink(o.Path); {
	case err != nil && linkErr == nil:
		return problem("%q is a link to %s, which leads nowhere", o.value.Text, target)
	case os.IsNotExist(err):
		return problem("%q does not exist", o.value.Text)
	case err != nil:
		return problem("%q: %v", o.value.Text, err)
	case info.IsDir():
		return problem("%q is a directory, not an executable", o.value.Text)
	case !info.Mode().IsRegular():
		return problem("%q is not a regular file", o.value.Text)
	case info.Mode()&0o111 == 0 && runtime.GOOS != "windows":
		return problem("%q is not executable", o.value.Text)
	}
	real, _ := filepath.EvalSymlinks(o.Path)
	for _, place := range places {
		installed, err := os.Lstat(place)
		if at, _ := filepath.EvalSymlinks(place); err == nil && installed.Mode().IsRegular() && at == real {
			return problem("%q is where the locked driver is installed", o.value.Text)
		}
	}
	return nil
}
