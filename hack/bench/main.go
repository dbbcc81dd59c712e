// Command bench measures kubectl-schemahero-plugin against what it replaces
// and against the least that its work can take, and prints tables in Markdown.
// Only ratios within one run mean anything: a round of each measurement runs
// everything that is compared, and what is told is the median of the rounds.
//
// It needs Go, and bash, sha256sum and tar for the loop that it compares with;
// `make bench` gives it the programs. docs/performance.md has a run's tables.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the benchmark, or one of the programs that it starts.
func run(args []string) error {
	if len(args) > 1 {
		switch args[0] {
		case "launch":
			return launch(args[1:])
		case "await":
			return await(args[1:])
		case "floor":
			return floor(args[1:])
		case "copy":
			return floorCopy(args[1:])
		}
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	plugin := flags.String("plugin", "", "the program to measure")
	oras := flags.String("oras", "", "the oras CLI; built from the module proxy if there is none")
	dir := flags.String("dir", "", "a folder on the disk to measure on (default: the system's for temporary files)")
	full := flags.Bool("full", false, "50 drivers of full size too, 7 GB on the disk")
	only := flags.String("only", "", "measure only what has this in its name: start, cold, warm, changed, memory, lock, fleet")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := open(*plugin, *oras, *dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.work)
	b.full = *full
	started := time.Now()
	b.heading()
	for _, m := range []struct {
		name string
		do   func() error
	}{
		{"start", b.starts}, {"cold", b.colds}, {"warm", b.warms}, {"changed", b.changed}, {"memory", b.memory}, {"lock", b.locks},
		{"fleet", b.fleets},
	} {
		if strings.Contains(m.name, *only) {
			fmt.Fprintln(os.Stderr, "measuring:", m.name)
			if err := m.do(); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	fmt.Printf("\nMeasured in %s.\n", time.Since(started).Round(time.Second))
	return nil
}

// bench is one run of the benchmark.
type bench struct {
	plugin, oras string // programs, absolute
	work         string // everything that is written
	env          []string
	reg          *registry
	code         *code
	packed       map[string]driver // by name and version
	full         bool
	loops        map[string]sample // what the loop took, by set
}

func open(plugin, oras, dir string) (*bench, error) {
	var err error
	if plugin, err = filepath.Abs(plugin); err != nil {
		return nil, err
	}
	if oras, err = filepath.Abs(oras); err != nil {
		return nil, err
	}
	if _, err := os.Stat(plugin); err != nil {
		return nil, fmt.Errorf("-plugin: %w", err)
	}
	if err := buildOras(oras); err != nil {
		return nil, err
	}
	b := &bench{plugin: plugin, oras: oras, packed: map[string]driver{}, loops: map[string]sample{}}
	if b.work, err = os.MkdirTemp(dir, "bench-"); err != nil {
		return nil, err
	}
	b.env = []string{"HOME=" + b.path("user"), "PATH=" + os.Getenv("PATH")}
	err = errors.Join(os.Mkdir(b.path("layers"), 0o755), os.Mkdir(b.path("user"), 0o755))
	// As installed programs: what a linker has just written lies in smaller
	// pieces in the system's cache, and takes 2 ms longer to start.
	for _, program := range []*string{&b.plugin, &b.oras} {
		if err == nil {
			*program, err = b.install(*program)
		}
	}
	if err == nil {
		b.reg, err = startRegistry(b.path("layers"))
	}
	if err == nil {
		b.code, err = goCode()
	}
	if err != nil {
		os.RemoveAll(b.work)
	}
	return b, err
}

func (b *bench) install(program string) (string, error) {
	data, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	path := b.path(filepath.Base(program))
	return path, os.WriteFile(path, data, 0o755)
}

func (b *bench) path(elements ...string) string {
	return filepath.Join(append([]string{b.work}, elements...)...)
}

func (b *bench) heading() {
	version, _ := exec.Command(b.plugin, "version").Output()
	fmt.Printf("%d processors, %s/%s, %s; program %s; drivers compress to %.2f of their size.\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(),
		strings.TrimSpace(string(version)), b.code.ratio())
}

// orasVersion is the release of the oras CLI that is compared with.
const orasVersion = "v1.3.6"

// buildOras builds the oras CLI where path does not exist. `go install` would
// build it with this module's Go flags and into a folder of its own choice.
func buildOras(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	work, err := os.MkdirTemp("", "oras-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	mod := "module oras\n\ngo 1.26.0\n\nrequire oras.land/oras " + orasVersion + "\n"
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte(mod), 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "building oras", orasVersion)
	cmd := exec.Command("go", "build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(work, "program"), "oras.land/oras/cmd/oras")
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build oras: %w\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(work, "program"))
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o755)
}
