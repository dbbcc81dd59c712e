// Command release writes what a release consists of: an archive for each
// platform, their checksums and the krew manifest. `make krew` runs it. With
// -image it writes the container image instead: `make image`.
//
//	go -C hack run ./release [-image] [-version V] [-revision COMMIT] [-time UNIX] [-url BASE] [-only OS/ARCH,...] [-out DIR]
//
// One commit and one version of Go give the same bytes, wherever and whenever
// it runs: Go's builds are reproducible with -trimpath, and the archives bear
// one time, no owner and no name of the machine.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	program = "kubectl-schemahero-plugin"
	pkg     = "./cmd/" + program
	home    = "https://github.com/schemahero/" + program
)

func main() {
	r := release{}
	repository := flag.String("repository", "..", "folder of the repository; the other paths are relative to it")
	version := flag.String("version", "dev", "version; a leading v is dropped")
	flag.StringVar(&r.revision, "revision", "", "commit that it is built from")
	when := flag.Int64("time", 0, "modification time of everything in the archives, in seconds since 1970")
	only := flag.String("only", strings.Join(platforms(), ","), "platforms, separated by commas")
	flag.StringVar(&r.url, "url", "", "where the archives will be (default: the release on GitHub)")
	flag.StringVar(&r.out, "out", "dist", "folder to write to")
	flag.StringVar(&r.program, "program", "", "pack this file for every platform and build nothing, to try what is around it")
	image := flag.Bool("image", false, "write the container image, as an OCI image layout in a tar")
	flag.Parse()
	if err := os.Chdir(*repository); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
	r.version = semantic(*version)
	r.time = time.Unix(*when, 0).UTC()
	r.platforms = strings.Split(*only, ",")
	if r.url == "" {
		r.url = home + "/releases/download/v" + r.version
	}
	write := r.write
	if *image {
		write = r.image
	}
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func platforms() []string {
	var all []string
	for _, goos := range []string{"darwin", "linux", "windows"} {
		for _, goarch := range []string{"amd64", "arm64"} {
			all = append(all, goos+"/"+goarch)
		}
	}
	return all
}
