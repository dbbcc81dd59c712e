package registry

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"time"
)

// Options configure a Client. The zero value is usable: no cache, no
// credentials, no proxy, Go's own certificate authorities.
type Options struct {
	// CacheDir keeps manifests by digest; "" keeps them in memory only.
	CacheDir string
	// BaseDir is the folder that a relative oci-layout: path starts from.
	BaseDir string

	Credentials CredentialPaths

	// CAFile holds PEM certificates that are trusted beside the system's, for
	// every host.
	CAFile string
	// PlainHTTP asks every registry over plain HTTP. Without it only loopback
	// registries are, and those that Hosts says so of.
	PlainHTTP bool
	// Offline refuses every connection, before any name is looked up.
	Offline bool

	ConnectTimeout time.Duration // TCP and TLS; 0 means 10 s
	HeaderTimeout  time.Duration // from the request sent to the headers of its answer; 0 means 30 s
	IdleTimeout    time.Duration // without a byte of a body in either direction; 0 means 30 s

	// Proxy picks the proxy of a request, as http.Transport.Proxy does. nil
	// means none: the environment is the caller's to read.
	Proxy   func(*http.Request) (*url.URL, error)
	Mirrors []Mirror
	Hosts   map[string]Host // by host:port as repositories write it

	// Events is told what happens on the way. It is called from several
	// goroutines.
	Events    func(Event)
	UserAgent string // "" means kubectl-schemahero-plugin

	// Now, Sleep and Jitter stand for the clock in tests; nil means the real
	// one. Jitter returns a number in [0,1).
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	Jitter func() float64
}

// CredentialPaths are the places in which credentials are looked for, in the
// order of the fields; "" means none. A Login is stored in the first file.
type CredentialPaths struct {
	AuthConfig      string // what DOCKER_AUTH_CONFIG holds: the text of a config.json
	AuthFile        string // what REGISTRY_AUTH_FILE names (Podman, Skopeo)
	DockerConfig    string // config.json in DOCKER_CONFIG or ~/.docker
	RuntimeAuthFile string // containers/auth.json in XDG_RUNTIME_DIR or /run (Podman)
	ConfigAuthFile  string // containers/auth.json in XDG_CONFIG_HOME or ~/.config (Podman)
	LegacyFile      string // ~/.dockercfg, which has entries without "auths" around them
}

// Mirror says where the repositories below a prefix are looked for first.
type Mirror struct {
	Prefix  string   // HOST or HOST/PATH, matched by whole segments
	Targets []string // what stands in place of Prefix, tried in order before the origin
}

// Host is what is peculiar to one registry.
type Host struct {
	CAFile     string // PEM, trusted beside the system's and Options.CAFile
	ClientCert string // PEM
	ClientKey  string // PEM
	PlainHTTP  *bool  // nil: as Options and the loopback rule say
}

// Defaults of Options.
const (
	defaultConnectTimeout = 10 * time.Second
	defaultHeaderTimeout  = 30 * time.Second
	defaultIdleTimeout    = 30 * time.Second
	defaultUserAgent      = "kubectl-schemahero-plugin"
)

// Conventional returns where docker and podman keep credentials, by the
// environment variables that they know (docker-cli's config.Dir and
// DOCKER_AUTH_CONFIG, containers-auth.json(5)). home is the user's home folder,
// "" for none, and uid the user's number, below 0 where there is none.
func Conventional(env func(key string) string, home string, uid int) CredentialPaths {
	p := CredentialPaths{AuthConfig: env("DOCKER_AUTH_CONFIG"), AuthFile: env("REGISTRY_AUTH_FILE")}
	if dir := env("DOCKER_CONFIG"); dir != "" {
		p.DockerConfig = filepath.Join(dir, "config.json")
	} else if home != "" {
		p.DockerConfig = filepath.Join(home, ".docker", "config.json")
	}
	if dir := env("XDG_RUNTIME_DIR"); dir != "" {
		p.RuntimeAuthFile = filepath.Join(dir, "containers", "auth.json")
	} else if uid >= 0 {
		p.RuntimeAuthFile = filepath.Join("/run/containers", strconv.Itoa(uid), "auth.json")
	}
	if dir := env("XDG_CONFIG_HOME"); dir != "" {
		p.ConfigAuthFile = filepath.Join(dir, "containers", "auth.json")
	} else if home != "" {
		p.ConfigAuthFile = filepath.Join(home, ".config", "containers", "auth.json")
	}
	if home != "" {
		p.LegacyFile = filepath.Join(home, ".dockercfg")
	}
	return p
}
