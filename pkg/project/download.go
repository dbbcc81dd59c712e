package project

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// DownloadOptions say what Download fetches.
type DownloadOptions struct {
	Name       string            // a driver, or an engine that one serves
	Constraint string            // "" for the newest stable version
	Platform   artifact.Platform // zero for this machine's
	Dir        string            // absolute; "" for Home/plugins
	Force      bool              // overwrite a file that was not installed by this home
}

// Download installs the newest release of a driver that a constraint admits,
// without any project: what the host's own `plugin download` does, but checked
// against digests. Of an engine's name (postgresql, mariadb) it takes the
// driver that serves it; for one that the host asks for by that name
// (cockroachdb) the executable is installed under it too. The files stay until
// another Download of the driver replaces them or they are pruned with All.
// Errors: *DownloadError of an *artifact.NameError, resolve's, the Registry's,
// install's.
func Download(ctx context.Context, o Options, d DownloadOptions) (*SyncReport, error) {
	report, err := download(ctx, o, d)
	return report, wrapEach(err, func(err error) error { return &DownloadError{d.Name, err} })
}

func download(ctx context.Context, o Options, d DownloadOptions) (*SyncReport, error) {
	p := Open(filepath.Join(o.Home, ManifestName), o)
	if d.Platform.IsZero() {
		d.Platform = p.o.Platform
	}
	if d.Dir == "" {
		d.Dir = p.installer.Home().Plugins()
	}
	text, name, err := downloadManifest(d)
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(p.manifest, []byte(text))
	if err != nil {
		return nil, err
	}
	for i := range m.Plugins {
		m.Plugins[i].Pos = diag.Position{} // nobody wrote it, so no message shall name its lines
	}
	in := &inputs{manifest: m}
	result, err := p.resolve(ctx, in, resolve.Options{})
	if err != nil {
		return nil, err
	}
	if _, err := p.checkSigners(ctx, result, signerCheck{in: in}); err != nil {
		return nil, err
	}
	so := SyncOptions{Platforms: []artifact.Platform{d.Platform}, Dir: d.Dir, Force: d.Force}
	items, dirs, err := p.items(in, result.Lock, nil, so)
	if err != nil {
		return nil, err
	}
	work, err := p.installer.Inspect(ctx, items)
	if err != nil {
		return nil, err
	}
	report := &SyncReport{LockReport: LockReport{Lock: result.Lock, Changes: lockfile.Diff(nil, result.Lock), Result: result}}
	report.plan(work, d.Force)
	p.installer.Sweep(dirs...)
	if err := p.installer.CheckPlace(work, d.Force); err != nil {
		return nil, err
	}
	if err := p.installer.Stage(ctx, work, install.StageOptions{}); err != nil {
		return nil, err
	}
	hold, err := p.installer.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer hold.Unlock()
	placed, err := hold.Place(ctx, items, install.PlaceOptions{Claim: install.DownloadClaim(name), Force: d.Force})
	if err != nil {
		return nil, err
	}
	report.placed(placed)
	return report, nil
}

// downloadManifest writes the manifest that a project would have for this.
func downloadManifest(d DownloadOptions) (text, driver string, err error) {
	if err := artifact.CheckName(d.Name); err != nil {
		return "", "", err
	}
	constraint := cmp.Or(d.Constraint, "*")
	driver = d.Name
	aliases := ""
	if of, ok := artifact.DriverOf(d.Name); ok {
		driver = of
		if artifact.HostLooksFor(d.Name) {
			aliases = ", aliases = [" + diag.Quote(d.Name) + "]"
		}
	}
	return fmt.Sprintf("platforms = [%s]\n[plugins]\n%s = { version = %s%s }\n", diag.Quote(d.Platform.String()), driver, diag.Quote(constraint), aliases), driver, nil
}
