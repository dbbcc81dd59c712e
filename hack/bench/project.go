package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

const (
	mb       = 1_000_000
	smaller  = 57 * mb // as schemahero-postgres
	larger   = 79 * mb // as schemahero-sqlite
	eighth   = 8 * mb
	tiny     = segment
	memorial = 200 * mb
)

// driver publishes a driver, once.
func (b *bench) driver(name, version string, size int64) (driver, error) {
	return b.publish(b.code.pack, name, version, size)
}

func (b *bench) publish(pack func(dir, name, version string, size int64) (driver, error), name, version string, size int64) (driver, error) {
	key := name + "@" + version
	if d, ok := b.packed[key]; ok {
		return d, nil
	}
	d, err := pack(b.path("layers"), name, version, size)
	if err == nil {
		err = b.reg.publish(d)
	}
	b.packed[key] = d
	return d, err
}

// project is a folder with manifest and lock.
type project struct {
	dir     string
	drivers []driver
}

// project publishes drivers of the given sizes, in turn, and writes a manifest
// that asks for them.
func (b *bench) project(kind string, n int, sizes ...int64) (project, error) {
	p := project{dir: b.path(fmt.Sprintf("project-%s-%d", kind, n))}
	for i := range n {
		d, err := b.driver(fmt.Sprintf("%s%d", kind, i), "1.0.0", sizes[i%len(sizes)])
		if err != nil {
			return p, err
		}
		p.drivers = append(p.drivers, d)
	}
	return p, b.writeManifest(p)
}

func (b *bench) writeManifest(p project) error {
	var m strings.Builder
	fmt.Fprintf(&m, "registry = %q\n\n[plugins]\n", b.reg.host+"/schemahero/plugins")
	for _, d := range p.drivers {
		fmt.Fprintf(&m, "%s = %q\n", d.name, "="+d.version)
	}
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(p.dir+"/schemahero-plugins.toml", []byte(m.String()), 0o644)
}

// locked is project with its lock.
func (b *bench) locked(kind string, n int, sizes ...int64) (project, error) {
	p, err := b.project(kind, n, sizes...)
	if err != nil {
		return p, err
	}
	return p, b.plug("lock", "-C", p.dir)
}

// inZstd is a project with its lock, of the same drivers in another version that is
// packed in zstd.
func (b *bench) inZstd(p project) (project, error) {
	z := project{dir: p.dir + "-zstd"}
	for _, d := range p.drivers {
		d, err := b.publish(b.code.packZstd, d.name, "2.0.0", d.size)
		if err != nil {
			return z, err
		}
		z.drivers = append(z.drivers, d)
	}
	if err := b.writeManifest(z); err != nil {
		return z, err
	}
	return z, b.plug("lock", "-C", z.dir)
}

// plug runs the program, unmeasured.
func (b *bench) plug(args ...string) error {
	cmd := exec.Command(b.plugin, append([]string{"--home", b.path("home"), "--no-progress"}, args...)...)
	cmd.Env = b.env
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%v: %w\n%s", args, err, said.Bytes())
	}
	return nil
}

// sync measures a sync of the project, from its lock.
func (b *bench) sync(p project) (use, error) {
	return b.measure(nil, b.plugin, "sync", "--locked", "--no-progress", "-C", p.dir, "--home", b.path("home"))
}

// named gives the drivers as floor takes them.
func named(drivers []driver) []string {
	var out []string
	for _, d := range drivers {
		out = append(out, d.name+"="+d.layer.digest+"="+d.executable)
	}
	return out
}

// floor measures the floor of a cold sync.
func (b *bench) floor(drivers []driver) (use, error) {
	self, err := os.Executable()
	if err != nil {
		return use{}, err
	}
	return b.measure(nil, append([]string{self, "floor", b.reg.host, b.path("floor")}, named(drivers)...)...)
}

// floorCopy measures the floor of a sync from a warm store.
func (b *bench) floorCopy(drivers []driver) (use, error) {
	self, err := os.Executable()
	if err != nil {
		return use{}, err
	}
	return b.measure(nil, append([]string{self, "copy", b.path("floor", "store"), b.path("floor")}, named(drivers)...)...)
}

// theLoop is what a careful user writes in a script today.
const theLoop = `set -e
dir=$1 registry=$2
shift 2
for name; do
	"$ORAS" pull --plain-http --no-tty --platform "$PLATFORM" -o "$dir/$name" "$registry/$name:$VERSION" >/dev/null
	(cd "$dir/$name" && sha256sum --quiet -c ./*.sha256)
	tar -xzf "$dir/$name"/*.tar.gz -C "$dir/plugins"
done`

// loop measures the loop.
func (b *bench) loop(drivers []driver) (use, error) {
	args := []string{"bash", "-c", theLoop, "loop", b.path("loop"), b.reg.host + "/schemahero/plugins"}
	for _, d := range drivers {
		args = append(args, d.name)
	}
	return b.measure([]string{"ORAS=" + b.oras, "PLATFORM=" + platform(), "VERSION=" + drivers[0].version}, args...)
}

// clean removes folders, makes the empty ones again, and lets the disk finish
// what earlier runs left it to do.
func (b *bench) clean(remove []string, empty ...string) error {
	for _, dir := range append(remove, empty...) {
		if err := os.RemoveAll(b.path(dir)); err != nil {
			return err
		}
	}
	for _, dir := range empty {
		if err := os.MkdirAll(b.path(dir), 0o755); err != nil {
			return err
		}
	}
	syscall.Sync()
	return nil
}
