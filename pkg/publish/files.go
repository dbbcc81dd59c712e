package publish

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// examine finds the executable for each platform, out of its archive where it
// comes in one, and says what is wrong with it. The files lie in dir or where
// the release says. Problems are in the order of the platforms.
func examine(ctx context.Context, r Release, platforms []artifact.Platform, o Options, dir string) (map[artifact.Platform]string, []Problem, error) {
	files := make([]string, len(platforms))
	problems := make([][]Problem, len(platforms))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.parallel())
	for i, p := range platforms {
		g.Go(func() (err error) {
			files[i], problems[i], err = examineOne(ctx, r.Name, p, r.Files[p], o, dir)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	byPlatform := map[artifact.Platform]string{}
	for i, p := range platforms {
		byPlatform[p] = files[i]
	}
	return byPlatform, slices.Concat(problems...), nil
}

func examineOne(ctx context.Context, name string, p artifact.Platform, file string, o Options, dir string) (string, []Problem, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", []Problem{{ProblemFile, file, "does not exist"}}, nil
	case err != nil:
		return "", nil, err
	case !info.Mode().IsRegular():
		return "", []Problem{{ProblemFile, file, "is no regular file"}}, nil
	case info.Size() == 0:
		return "", []Problem{{ProblemFile, file, "is empty"}}, nil
	}
	archive, err := isArchive(file)
	if err != nil {
		return "", nil, err
	}
	var problems []Problem
	executable := file
	if archive {
		var bad *ArchiveError
		executable, _, err = unpack(ctx, file, name, p, dir)
		if errors.As(err, &bad) {
			return "", []Problem{{ProblemArchive, file, bad.Problem}}, nil
		}
		if err != nil {
			return "", nil, err
		}
	} else if runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
		problems = append(problems, Problem{ProblemMode, file, "is not executable"})
	}
	problems = append(problems, inspect(executable, file, p)...)
	if o.Probe && p == o.Host && len(problems) == 0 {
		problems, err = handshake(ctx, executable, file, name)
	}
	return executable, problems, err
}

// packAll packs what examine found into dir, sorted by platform.
func packAll(ctx context.Context, r Release, files map[artifact.Platform]string, o Options, dir string) ([]layer, error) {
	compression := r.Compression
	if compression == "" {
		compression = Gzip
	}
	layers := make([]layer, 0, len(files))
	for p := range files {
		layers = append(layers, layer{Archive: Archive{Platform: p}})
	}
	slices.SortFunc(layers, func(a, b layer) int { return a.Platform.Compare(b.Platform) })
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.parallel())
	for i := range layers {
		g.Go(func() error {
			p := layers[i].Platform
			o.event(Event{Stage: StagePack, Subject: compression.title(r.Name, p)})
			a, err := Pack(ctx, r.Name, p, files[p], dir, compression)
			if err != nil {
				return err
			}
			layers[i] = layer{Archive: a, sum: []byte(a.Sum())}
			o.event(Event{Stage: StagePack, Subject: a.Title, Done: a.ExecutableSize, Total: a.ExecutableSize, Ended: true})
			return nil
		})
	}
	return layers, g.Wait()
}
