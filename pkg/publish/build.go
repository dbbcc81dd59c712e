package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// BuildOptions are what to build, and with what.
type BuildOptions struct {
	Source    string   // tree that holds plugins/NAME; "" is the working directory
	Dist      string   // folder that archives are written to; made if it is missing
	Names     []string // of drivers
	Version   string   // of all of them; "" is VersionOf each
	Platforms []artifact.Platform

	// Host is this machine's platform, whose C compiler goes by short names.
	Host artifact.Platform
	// Install is a folder that gets the executable for Host too, as
	// schemahero-NAME; "" for none.
	Install string
	// Env is the environment of the Go command, of git and of C compilers, as
	// KEY=VALUE.
	Env []string

	Compression pack.Compression // "" is Gzip
	Events      func(Event)      // called from several goroutines; may be nil
}

// DefaultPlatforms returns the platforms that releases of SchemaHero serve.
func DefaultPlatforms() []artifact.Platform {
	return []artifact.Platform{
		{OS: "darwin", Arch: "amd64"}, {OS: "darwin", Arch: "arm64"},
		{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"},
	}
}

// Built is a driver built for a platform.
type Built struct {
	Name      string
	Version   string
	Archive          // in the dist folder, FILE.sha256 beside it
	Compiler  string // C compiler that was used; "" if the driver needs no cgo
	Installed string // the executable in the install folder; "" if not put there
}

// buildsAtOnce is how many platforms are compiled at once: the Go command itself
// works in parallel.
const buildsAtOnce = 2

// Build compiles drivers and packs them into o.Dist, sorted by name and
// platform. A driver that needs cgo is built with it, for the platforms whose
// compiler is there. What was built is returned beside what went wrong with
// other drivers and platforms, joined: *NoDriverError, *FileError,
// *NoVersionError, *LintError, *BuildError, one for each driver, and one
// *CompilerError. The disk's errors and the context's end all.
func Build(ctx context.Context, o BuildOptions) ([]Built, error) {
	jobs, failed, err := o.jobs(ctx)
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 {
		return nil, failed.join()
	}
	if err := os.MkdirAll(o.Dist, 0o755); err != nil {
		return nil, err
	}
	// Executables are large: they go where the archives go, not to a small /tmp.
	if _, err := (disk.Disk{}).Sweep(o.Dist); err != nil {
		return nil, err
	}
	dir, done, err := disk.Disk{}.TempFolder(o.Dist, ".schemahero-build-")
	if err != nil {
		return nil, err
	}
	defer done()
	var mu sync.Mutex
	var built []Built
	var missing []MissingCompiler
	err = parallel.EachUntil(ctx, len(jobs), buildsAtOnce, func(i int) error {
		j := jobs[i]
		mu.Lock()
		stop := failed[j.name] != nil
		mu.Unlock()
		if stop {
			return nil // what does not compile for one platform rarely does for another
		}
		b, m, err := o.build(ctx, j, dir)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil && !failed.add(j.name, err):
			return err
		case m != nil:
			missing = append(missing, *m)
		case err == nil:
			built = append(built, b)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(built, func(a, b Built) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Platform.Compare(b.Platform))
	})
	slices.SortFunc(missing, func(a, b MissingCompiler) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Platform.Compare(b.Platform))
	})
	if len(missing) > 0 {
		return built, errors.Join(failed.join(), &CompilerError{missing})
	}
	return built, failed.join()
}

func (o BuildOptions) build(ctx context.Context, j job, dir string) (b Built, missing *MissingCompiler, err error) {
	b = Built{Name: j.name, Version: j.version}
	compression := cmp.Or(o.Compression, pack.Gzip)
	subject := archiveTitle(j.name, j.platform, compression)
	event := func(e Event) {
		e.Subject = subject
		if o.Events != nil {
			o.Events(e)
		}
	}
	event(Event{Stage: StageBuild})
	source := driverDir(o.Source, j.name)
	fail := func(err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &BuildError{j.name, j.platform, err}
	}
	cgo, err := needsCgo(ctx, source, j.platform, o.Env)
	if err != nil {
		return b, nil, fail(err)
	}
	if cgo {
		if b.Compiler, missing = compiler(j.name, j.platform, o.Host, o.Env); missing != nil {
			event(Event{Stage: StageBuild, Ended: true})
			return b, missing, nil
		}
	}
	executable := filepath.Join(dir, pack.EntryName(j.name, j.platform))
	if err := goBuild(ctx, source, executable, j.version, j.platform, b.Compiler, o.Env); err != nil {
		return b, nil, fail(err)
	}
	defer disk.Discard(executable)
	// go list may have been told otherwise than go build by a GOFLAGS or a
	// build constraint: what came out decides.
	if problems := inspect(executable, filepath.Base(executable), j.platform); len(problems) > 0 {
		return b, nil, &LintError{j.name, j.version, problems}
	}
	event(Event{Stage: StagePack})
	if b.Archive, err = packFile(ctx, j.name, j.platform, executable, o.Dist, compression); err != nil {
		return b, nil, err
	}
	if err := writeSum(b.Archive); err != nil {
		return b, nil, err
	}
	if err := removeOther(o.Dist, j.name, j.platform, compression); err != nil {
		return b, nil, err
	}
	if o.Install != "" && j.platform == o.Host {
		b.Installed = filepath.Join(o.Install, j.platform.Executable(j.name))
		if err := install(executable, b.Installed); err != nil {
			return b, nil, err
		}
	}
	event(Event{Stage: StagePack, Done: b.Size, Total: b.Size, Ended: true})
	return b, nil, nil
}

// install copies an executable to where the host finds it. A rename puts it
// there, as a host that failed may still be running the one before.
func install(executable, file string) error {
	d := disk.Disk{}
	if err := d.MkdirAll(filepath.Dir(file)); err != nil {
		return err
	}
	return d.Replace(file, disk.Writing{Mode: 0o755}, func(t *disk.Temp) error {
		_, err := t.CopyFrom(executable)
		return err
	})
}

// BuildError says for which driver and platform the Go command failed.
type BuildError struct {
	Name     string
	Platform artifact.Platform
	Err      error // *CommandError or *ToolError
}

func (e *BuildError) Error() string    { return fmt.Sprintf("%s for %s: %v", e.Name, e.Platform, e.Err) }
func (e *BuildError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *BuildError) Unwrap() error    { return e.Err }

// job is a driver for a platform.
type job struct {
	name, version string
	platform      artifact.Platform
}

// failures are why drivers are not built, one reason for each.
type failures map[string]error

// add notes why a driver is not built; false if the reason is none of its
// own, so that no other would be built either.
func (f failures) add(name string, err error) bool {
	own := errors.As(err, new(*LintError)) || errors.As(err, new(*NoDriverError)) || errors.As(err, new(*NoVersionError)) ||
		errors.As(err, new(*FileError)) || errors.As(err, new(*BuildError)) && !errors.As(err, new(*ToolError))
	if own && f[name] == nil {
		f[name] = err
	}
	return own
}

// join returns the reasons in the order of the drivers; nil where there are
// none.
func (f failures) join() error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(f)) {
		all = append(all, f[name])
	}
	return errors.Join(all...)
}

// jobs checks names and versions before anything is compiled.
func (o BuildOptions) jobs(ctx context.Context) ([]job, failures, error) {
	var jobs []job
	failed := failures{}
	for _, name := range o.Names {
		version, err := o.version(ctx, name)
		if err != nil {
			if !failed.add(name, err) {
				return nil, nil, err
			}
			continue
		}
		for _, p := range o.Platforms {
			jobs = append(jobs, job{name, version, p})
		}
	}
	return jobs, failed, nil
}

// version finds the version that a driver is built in, and with that whether it
// can be.
func (o BuildOptions) version(ctx context.Context, name string) (string, error) {
	if err := artifact.CheckName(name); err != nil {
		return "", &LintError{Name: name, Version: o.Version, Problems: []Problem{nameProblem(ProblemName, err)}}
	}
	if dir := driverDir(o.Source, name); !isProgram(dir) {
		found, err := ListDrivers(o.Source)
		if err != nil {
			return "", err
		}
		return "", &NoDriverError{dir, name, found}
	}
	version := o.Version
	if version == "" {
		return VersionOf(ctx, o.Source, name, o.Env)
	}
	v, err := parseVersion(version)
	if err != nil {
		return "", &LintError{Name: name, Version: version, Problems: []Problem{versionProblem(version)}}
	}
	return v.String(), nil
}
