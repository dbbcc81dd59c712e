package publish

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/probe"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// examiner finds executables and says what is wrong with them.
type examiner struct {
	name     string // of the driver
	o        Options
	unpacker *unpack.Unpacker
}

func newExaminer(name string, o Options) *examiner { return &examiner{name, o, unpack.New()} }

// release finds the executable for each platform of a release, out of its archive
// where it comes in one. The files lie in dir or where the release says. Problems
// are in the order of the platforms.
func (x *examiner) release(ctx context.Context, r Release, platforms []artifact.Platform, dir string) (map[artifact.Platform]string, []Problem, error) {
	files := make([]string, len(platforms))
	problems := make([][]Problem, len(platforms))
	err := parallel.EachUntil(ctx, len(platforms), atOnce, func(i int) (err error) {
		files[i], problems[i], err = x.file(ctx, platforms[i], r.Files[platforms[i]], dir)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	byPlatform := map[artifact.Platform]string{}
	for i, p := range platforms {
		byPlatform[p] = files[i]
	}
	return byPlatform, slices.Concat(problems...), nil
}

func (x *examiner) file(ctx context.Context, p artifact.Platform, file, dir string) (string, []Problem, error) {
	info, err := os.Stat(file)
	link, leadsNowhere := errors.AsType[*disk.LinkError](disk.Explain(file, err))
	switch {
	case leadsNowhere:
		return "", []Problem{{ProblemFile, file, link.Problem()}}, nil
	case errors.Is(err, os.ErrNotExist):
		return "", []Problem{{ProblemFile, file, "does not exist"}}, nil
	case err != nil:
		return "", nil, err
	case !info.Mode().IsRegular():
		return "", []Problem{{ProblemFile, file, "is not a regular file"}}, nil
	case info.Size() == 0:
		return "", []Problem{{ProblemFile, file, "is empty"}}, nil
	}
	bare, err := isBare(file)
	if err != nil {
		return "", nil, err
	}
	executable := file
	if !bare {
		var refused *unpack.Error
		executable, _, err = x.extract(ctx, file, dir, unpack.Driver{Platform: p, Size: info.Size(), File: filepath.Base(file)})
		if errors.As(err, &refused) {
			return "", []Problem{{ProblemArchive, file, refused.Reason}}, nil
		}
		if err != nil {
			return "", nil, err
		}
	}
	problems := inspect(executable, file, p)
	if bare && runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
		problems = slices.Insert(problems, 0, Problem{ProblemMode, file, "is not executable"})
	}
	if len(problems) == 0 {
		problems, err = x.probe(ctx, executable, file, p)
	}
	return executable, problems, err
}

// probe starts an executable, if that is asked for and possible, and says why
// it does not answer as the driver.
func (x *examiner) probe(ctx context.Context, executable, subject string, p artifact.Platform) ([]Problem, error) {
	if !x.o.Probe || p != x.o.Host {
		return nil, nil
	}
	return handshake(ctx, executable, subject, x.name)
}

// isBare reports whether a file is the executable itself.
func isBare(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return unpack.Bare(filepath.Base(file), head[:n]), nil
}

// extract takes the executable out of a layer, as a sync would, into a new file
// in dir, and returns the file and its digest. Errors: *unpack.Error, the disk's.
func (x *examiner) extract(ctx context.Context, layer, dir string, d unpack.Driver) (file string, sum digest.Digest, err error) {
	d.Name = x.name
	in, err := os.Open(layer)
	if err != nil {
		return "", "", err
	}
	defer in.Close()
	out, err := os.CreateTemp(dir, "schemahero-"+d.Name+"-*")
	if err != nil {
		return "", "", err
	}
	defer func() {
		err = errors.Join(err, out.Close())
		if err != nil {
			disk.Discard(out.Name())
		}
	}()
	hash := sha256.New()
	if err := x.unpacker.Extract(registry.Watched(ctx, in, nil), unpack.Into{Writer: io.MultiWriter(out, hash)}, d); err != nil {
		return "", "", err
	}
	return out.Name(), digest.NewDigest(digest.SHA256, hash), out.Chmod(0o755)
}

// packAll packs what examine found into dir.
func packAll(ctx context.Context, r Release, files map[artifact.Platform]string, o Options, dir string) ([]layer, error) {
	compressions := r.Compressions
	if len(compressions) == 0 {
		compressions = []pack.Compression{pack.Gzip}
	}
	var layers []layer
	for _, p := range slices.SortedFunc(maps.Keys(files), artifact.Platform.Compare) {
		for _, c := range compressions {
			layers = append(layers, layer{Archive: Archive{Platform: p}, zstd: c == pack.Zstd})
		}
	}
	err := parallel.EachUntil(ctx, len(layers), atOnce, func(i int) error {
		p, compression := layers[i].Platform, pack.Gzip
		if layers[i].zstd {
			compression = pack.Zstd
		}
		o.event(Event{Stage: StagePack, Subject: archiveTitle(r.Name, p, compression)})
		a, err := packFile(ctx, r.Name, p, files[p], dir, compression)
		if err != nil {
			return err
		}
		layers[i].Archive, layers[i].sum = a, []byte(a.sum())
		o.event(Event{Stage: StagePack, Subject: a.Title, Done: a.ExecutableSize, Total: a.ExecutableSize, Ended: true})
		return nil
	})
	return layers, err
}

// inspect says what is wrong with an executable for a platform, from its
// headers. subject is what the user calls it.
func inspect(executable, subject string, p artifact.Platform) []Problem {
	info, err := probe.Inspect(executable)
	switch {
	case err != nil:
		return []Problem{{ProblemFormat, subject, strings.TrimPrefix(err.Error(), executable+": ")}}
	case info.OS == "":
		return []Problem{{ProblemFormat, subject, "is in no known format of executables"}}
	}
	var out []Problem
	if !serves(info, p) {
		out = append(out, Problem{ProblemPlatform, subject, fmt.Sprintf("is for %s, not for %s", info.Platform(), p)})
	}
	if module := info.Stub(); module != "" {
		out = append(out, Problem{ProblemStub, subject, "is built with CGO_ENABLED=0, and " + module + " in it does not work without cgo"})
	}
	return out
}

// serves holds the header against the claim. Some systems' executables bear
// the same header as Linux's.
func serves(info probe.Info, p artifact.Platform) bool {
	os := p.OS
	switch os {
	case "android", "dragonfly", "illumos", "solaris":
		if info.OS == "linux" {
			os = "linux"
		}
	}
	return info.Serves(os, p.Arch)
}

// handshake runs an executable and says why it does not answer as the driver
// name. The error is the context's.
func handshake(ctx context.Context, executable, subject, name string) ([]Problem, error) {
	id, err := probe.Identify(ctx, executable)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil, ctx.Err()
	}
	if err != nil {
		return []Problem{{ProblemHandshake, subject, strings.TrimPrefix(err.Error(), executable+": ")}}, nil
	}
	if id.Name != name {
		return []Problem{{ProblemHandshake, subject, fmt.Sprintf("answers as the driver %q", id.Name)}}, nil
	}
	return nil, nil
}
