package export

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// DriverFolder is where the host in a manager image looks for drivers.
const DriverFolder = "/usr/local/lib/schemahero/plugins"

// FetchImage holds the oras CLI, with a shell, sha256sum and tar.
const FetchImage = "ghcr.io/oras-project/oras:v1.3.0"

// DockerfileOptions say what the Dockerfile is based on.
type DockerfileOptions struct {
	Image string // that the drivers are added to
	Fetch string // the image of the first stage; "" for FetchImage
}

// LayoutError says that a driver comes from a folder of the project, which a
// Dockerfile stage that fetches cannot.
type LayoutError struct{ Plugin, Repository string }

func (e *LayoutError) Error() string {
	return e.Plugin + ": is locked from " + e.Repository + ", which no image build can fetch from"
}

func (e *LayoutError) Kind() fault.Kind { return fault.Failure }

// Dockerfile writes a Dockerfile whose first stage fetches each locked layer by
// its digest, holds it against that, and unpacks the driver, for whichever
// platform the image is built. The second puts the drivers where the host looks.
// Errors: *LayoutError.
func Dockerfile(l *lockfile.Lock, o DockerfileOptions) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# syntax=docker/dockerfile:1
# Written by "kubectl schemahero plugin export dockerfile" from the lock. Write it
# again when the lock changes; do not edit it.

FROM --platform=$BUILDPLATFORM %s AS drivers
ARG TARGETPLATFORM
WORKDIR /drivers
# For registries that ask for a login, build with
#   --secret id=docker-config,src=$HOME/.docker/config.json
RUN --mount=type=secret,id=docker-config,target=/root/.docker/config.json,required=false <<'EOF'
set -eu
`, cmp.Or(o.Fetch, FetchImage))
	b.WriteString(script)
	platforms := platformsOf(l)
	b.WriteString("case \"$TARGETPLATFORM\" in\n")
	for _, platform := range platforms {
		fmt.Fprintf(&b, "%s)\n", platform)
		for _, p := range l.Plugins {
			if strings.HasPrefix(p.Repository, artifact.LayoutScheme) {
				return nil, &LayoutError{p.Name, p.Repository}
			}
			q, ok := p.Platform(platform)
			if !ok {
				fmt.Fprintf(&b, "  echo 'the lock has no %s for %s' >&2; exit 1\n", p.Name, platform)
				continue
			}
			fmt.Fprintf(&b, "  # %s\n  fetch %s %s %s %s %s\n", strings.TrimSpace(p.Name+" "+p.Version), p.Name, platform.Suffix(), p.Repository, q.Layer, quote(q.File))
			if q.Executable != "" {
				fmt.Fprintf(&b, "  check %s %s\n", q.Executable, p.Name)
			}
			for _, alias := range p.Aliases {
				fmt.Fprintf(&b, "  cp out/schemahero-%s out/schemahero-%s\n", p.Name, alias)
			}
		}
		b.WriteString("  ;;\n")
	}
	b.WriteString("*) echo \"the lock has no drivers for $TARGETPLATFORM\" >&2; exit 1 ;;\nesac\nEOF\n")
	fmt.Fprintf(&b, "\nFROM %s\nCOPY --from=drivers /drivers/out/ %s/\n", o.Image, DriverFolder)
	return b.Bytes(), nil
}

// script holds the shell functions of the first stage. An archive holds the
// driver as schemahero-NAME or with its platform behind that; what is not an archive
// is the driver itself.
const script = `mkdir -p out in
check() { echo "${1#sha256:}  out/schemahero-$2" | sha256sum -c -; }
fetch() {
  name=$1 platform=$2 layer=$4 file=$5
  oras blob fetch --output layer "$3@$layer"
  echo "${layer#sha256:}  layer" | sha256sum -c -
  case "$file" in
  *.tar.gz | *.tgz) tar -xzf layer -C in ;;
  *.tar.zst) zstd -dc layer | tar -xf - -C in ;;
  *.tar) tar -xf layer -C in ;;
  *.gz) gzip -dc layer >"in/schemahero-$name" ;;
  *) cp layer "in/schemahero-$name" ;;
  esac
  for f in "in/schemahero-$name" "in/schemahero-$name-$platform"; do
    if [ -f "$f" ]; then mv "$f" "out/schemahero-$name"; fi
  done
  chmod 0755 "out/schemahero-$name"
  rm -rf layer in/*
}
`

// platformsOf returns the platforms of Linux that any driver has; images have no
// others.
func platformsOf(l *lockfile.Lock) []artifact.Platform {
	var out []artifact.Platform
	for _, p := range l.Plugins {
		for _, q := range p.Platforms {
			if q.Platform.OS == "linux" && !slices.Contains(out, q.Platform) {
				out = append(out, q.Platform)
			}
		}
	}
	slices.SortFunc(out, artifact.Platform.Compare)
	return out
}

// quote writes a word for the shell. A lock's file names are bare, but can hold
// anything else.
func quote(s string) string { return "'" + strings.ReplaceAll(path.Base(s), "'", `'\''`) + "'" }
