package auth

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// credential is what is known for a registry, or for part of one.
type credential struct {
	key      string // under which it is stored: tokens of two are kept apart
	source   string // file or helper
	username string
	password string
	identity string // refresh token
	token    string // bearer token, sent as it is
	helper   error  // why a helper gave none
}

func (c credential) empty() bool {
	return c.username == "" && c.password == "" && c.identity == "" && c.token == ""
}

// Keyring reads credential files, once each, when first asked.
type Keyring struct {
	paths Paths
	fixed *credential // what a Login tries, in place of all files

	mu    sync.Mutex
	files []*credentialFile
	read  bool
	asked map[helper]credential // answers of helpers, which can ask the user for a PIN
}

// NewKeyring returns a Keyring of these places. Nothing is read yet.
func NewKeyring(paths Paths) *Keyring { return &Keyring{paths: paths} }

// Login is a user's password or token.
type Login struct {
	User   string // "" for an identity token
	Secret string
}

func (l Login) credential(host string) credential {
	if l.User == "" {
		return credential{key: host, identity: l.Secret}
	}
	return credential{key: host, username: l.User, password: l.Secret}
}

// Trying returns a Keyring that has nothing but a login to try.
func Trying(host string, l Login) *Keyring {
	c := l.credential(host)
	return &Keyring{fixed: &c}
}

// lookup returns the credential for a repository, empty if none is stored.
// A key with a path (Podman's) counts for the repositories below it, before the
// host's own.
func (k *Keyring) lookup(ctx context.Context, host, repo string) (credential, error) {
	if k.fixed != nil {
		return *k.fixed, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.read {
		files, err := k.paths.read()
		if err != nil {
			return credential{}, err
		}
		k.files, k.read = files, true
	}
	var failed error
	for _, f := range k.files {
		c, err := k.from(ctx, f, host, repo)
		if err != nil {
			return credential{}, err
		}
		if !c.empty() {
			return c, nil
		}
		if failed == nil {
			failed = c.helper
		}
	}
	return credential{helper: failed}, nil
}

func (k *Keyring) from(ctx context.Context, f *credentialFile, host, repo string) (credential, error) {
	for _, key := range scopedKeys(host, repo) {
		if entry, ok := f.Auths[key]; ok && !entry.bare() {
			return entry.credential(f.path, key)
		}
	}
	failed := f.broken
	for _, h := range f.helpersFor(host) {
		c, err := k.ask(ctx, h)
		if err != nil || !c.empty() {
			return c, err
		}
		if c.helper != nil {
			failed = c.helper
		}
	}
	for _, key := range hostKeys(host) {
		if entry, ok := f.Auths[key]; ok && !entry.bare() {
			return entry.credential(f.path, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f.Auths)) { // old spellings: https://HOST/v1/
		if entry := f.Auths[key]; !entry.bare() && wire.OneName(legacyHost(key)) == wire.OneName(host) {
			return entry.credential(f.path, key)
		}
	}
	return credential{helper: failed}, nil
}

// ask asks a credential helper, once for each server. That it fails is a part of
// the answer; an error is the context's.
func (k *Keyring) ask(ctx context.Context, h helper) (credential, error) {
	if c, ok := k.asked[h]; ok {
		return c, nil
	}
	c, err := h.get(ctx)
	if ctx.Err() != nil {
		return credential{}, ctx.Err()
	}
	if err != nil {
		c = credential{helper: err}
	}
	if k.asked == nil {
		k.asked = map[helper]credential{}
	}
	k.asked[h] = c
	return c, nil
}

// hostKeys are the spellings under which a host's credentials are stored, the
// one to store them under first. For Docker Hub it is the URL of an API that is
// long gone.
func hostKeys(host string) []string {
	if wire.IsHub(host) {
		return append([]string{"https://index.docker.io/v1/"}, wire.HubNames()...)
	}
	if short, ok := strings.CutSuffix(host, ":443"); ok {
		return []string{host, short}
	}
	if _, _, err := net.SplitHostPort(host); err == nil {
		return []string{host}
	}
	return []string{host, host + ":443"}
}

// scopedKeys are the keys with a path, longest first.
func scopedKeys(host, repo string) (out []string) {
	for path := repo; path != ""; {
		for _, key := range hostKeys(host) {
			if !strings.Contains(key, "://") {
				out = append(out, key+"/"+path)
			}
		}
		at := strings.LastIndexByte(path, '/')
		if at < 0 {
			break
		}
		path = path[:at]
	}
	return out
}

// legacyHost is the host of a key written as a URL, "" for all others: a key
// with a path but no scheme is Podman's and does not count for the whole host.
func legacyHost(key string) string {
	rest, ok := strings.CutPrefix(key, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(key, "http://"); !ok {
			rest = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(key, "/"), "/v1"), "/v2")
			return rest
		}
	}
	rest, _, _ = strings.Cut(rest, "/")
	return rest
}
