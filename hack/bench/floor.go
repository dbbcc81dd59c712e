package main

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// floor is the least that installing can be, as a program of its own: fetch,
// hash, inflate, hash, write to a store, sync, copy into place, sync, as many
// at once as there are processors. It knows the digests, and little else.
//
//	floor REGISTRY DIR NAME=LAYER=EXECUTABLE...
func floor(args []string) error {
	return parallel(args[2:], func(arg string) error {
		f := strings.Split(arg, "=")
		stored := filepath.Join(args[1], "store", hexOf(f[1]))
		if err := fetch("http://"+args[0]+"/v2/"+repository(f[0])+"/blobs/"+f[1], stored, f[1], f[2]); err != nil {
			return err
		}
		return place(stored, filepath.Join(args[1], "plugins", "schemahero-"+f[0]))
	})
}

// floorCopy is the least that installing from a store can be.
//
//	copy STORE DIR NAME=LAYER=EXECUTABLE...
func floorCopy(args []string) error {
	return parallel(args[2:], func(arg string) error {
		f := strings.Split(arg, "=")
		return place(filepath.Join(args[0], hexOf(f[1])), filepath.Join(args[1], "plugins", "schemahero-"+f[0]))
	})
}

func parallel(args []string, do func(string) error) error {
	var wg sync.WaitGroup
	next := make(chan int)
	errs := make([]error, len(args))
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				errs[i] = do(args[i])
			}
		})
	}
	for i := range args {
		next <- i
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}

func fetch(url, stored, layer, executable string) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	layerSum, fileSum := sha256.New(), sha256.New()
	packed := io.TeeReader(resp.Body, layerSum)
	z, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	t := tar.NewReader(z)
	if _, err := t.Next(); err != nil {
		return err
	}
	f, err := os.Create(stored)
	if err != nil {
		return err
	}
	defer f.Close()
	// Without ReadFrom, which would make its own smaller buffer.
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(f, fileSum)}, struct{ io.Reader }{t}, make([]byte, 256<<10)); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, z); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, packed); err != nil {
		return err
	}
	if digest(layerSum) != layer || digest(fileSum) != executable {
		return fmt.Errorf("%s: other bytes than asked for", url)
	}
	return f.Sync()
}

func place(stored, path string) error {
	in, err := os.Open(stored)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil { // copy_file_range
		return err
	}
	return out.Sync()
}
