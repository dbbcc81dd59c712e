package trust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

const (
	trustedRootFile = "trusted_root.json" // in Options.Dir: what TUF gave last
	maxRoot         = 8 << 20             // bytes; the public good instance's has 7 KB
	rootDays        = 1                   // how long it is used before TUF is asked again
)

// material returns the keys and authorities of a Sigstore instance: those in
// file, or with "" the public good instance's.
func (v *Verifier) material(ctx context.Context, file string) (root.TrustedMaterial, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if m := v.roots[file]; m != nil {
		return m, nil
	}
	var data []byte
	var err error
	if file != "" {
		data, err = readRoot(file)
	} else {
		data, err = v.publicRoot(ctx)
	}
	if err != nil {
		var is *RootError
		if errors.As(err, &is) || ctx.Err() != nil {
			return nil, err
		}
		return nil, &RootError{File: file, Err: err}
	}
	m, err := root.NewTrustedRootFromJSON(data)
	if err != nil {
		return nil, &RootError{File: file, Err: err}
	}
	v.roots[file] = m
	return m, nil
}

func readRoot(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRoot))
	return diag.UTF8(data), err
}

// publicRoot fetches the public good instance's root by TUF, which starts from
// the root keys that sigstore-go carries, and keeps a copy. Offline the copy is
// taken, expired or not: a machine behind an air gap has no other, and it was
// verified when it came.
func (v *Verifier) publicRoot(ctx context.Context) ([]byte, error) {
	kept := filepath.Join(v.o.Dir, trustedRootFile)
	if v.o.Offline {
		if v.o.Dir == "" {
			return nil, &RootError{Offline: true}
		}
		data, err := readRoot(kept)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &RootError{Offline: true}
		}
		return data, err
	}
	var d disk.Disk
	cache := filepath.Join(v.o.Dir, "tuf")
	keep := v.o.Dir != "" && d.MkdirAll(cache) == nil && d.Writable(cache) == nil
	fetch := &fetcher{ctx: ctx, client: v.o.HTTP}
	client, err := tuf.New(&tuf.Options{
		Root: tuf.DefaultRoot(), RepositoryBaseURL: v.tufURL(), CachePath: cache, DisableLocalCache: !keep,
		CacheValidity: rootDays, Fetcher: fetch, Context: ctx,
	})
	if err != nil {
		return nil, err
	}
	data, err := client.GetTarget(trustedRootFile)
	if err != nil {
		return nil, err
	}
	// Without the copy the next run asks again: no reason to fail now.
	if keep {
		_, _ = d.SweepFile(kept)
		_ = d.WriteFile(kept, data, disk.Writing{Durability: disk.Loose})
	}
	return data, nil
}

func (v *Verifier) tufURL() string {
	if v.o.tuf != "" {
		return v.o.tuf
	}
	return tuf.DefaultMirror
}

// fetcher gives TUF its files, through the client that the caller set up.
type fetcher struct {
	ctx    context.Context
	client *http.Client
}

// DownloadFile implements go-tuf's fetcher.Fetcher.
func (f *fetcher) DownloadFile(url string, max int64, _ time.Duration) ([]byte, error) {
	req, err := http.NewRequestWithContext(f.ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &metadata.ErrDownloadHTTP{StatusCode: resp.StatusCode, URL: url}
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, max+1))
	if err == nil && int64(len(data)) > max {
		err = &metadata.ErrDownloadLengthMismatch{Msg: fmt.Sprintf("%s: more than %d bytes", url, max)}
	}
	return data, err
}
