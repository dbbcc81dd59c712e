package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
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

// keyring reads credential files, once each, when first asked.
type keyring struct {
	paths CredentialPaths
	fixed *credential // what a Login tries, in place of all files

	mu    sync.Mutex
	files []*credentialFile
	read  bool
	asked map[helper]credential // answers of helpers, which can ask the user for a PIN
}

// credentialFile is Docker's config.json or Podman's auth.json, which have the
// same form
// (https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md).
type credentialFile struct {
	path    string
	broken  error                // why it could not be read, which matters only where credentials are missing
	Auths   map[string]authEntry `json:"auths"`
	Store   string               `json:"credsStore"`
	Helpers map[string]string    `json:"credHelpers"`
}

type authEntry struct {
	Auth     string `json:"auth"`
	Username string `json:"username"`
	Password string `json:"password"`
	Identity string `json:"identitytoken"`
	Token    string `json:"registrytoken"`
}

func readCredentialFile(path string) (*credentialFile, error) {
	data, err := readText(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &credentialFile{path: path}, nil
	case errors.Is(err, fs.ErrPermission): // written by root, say: most registries do not even ask
		return &credentialFile{path: path, broken: &CredentialsError{path, "permission denied"}}, nil
	case errors.Is(err, errUTF16):
		return nil, &CredentialsError{path, err.Error()}
	case err != nil:
		return nil, &CredentialsError{path, "does not read"}
	}
	return parseCredentials(path, data)
}

func parseCredentials(path string, data []byte) (*credentialFile, error) {
	f := &credentialFile{path: path}
	if len(bytes.TrimSpace(data)) == 0 {
		return f, nil
	}
	if json.Unmarshal(data, f) != nil { // its text could quote a secret
		return nil, &CredentialsError{path, "is no valid JSON of credentials"}
	}
	return f, nil
}

// readLegacyFile reads ~/.dockercfg, from before Docker 1.7. What is no such file
// is passed over: hardly anybody knows that it is there.
func readLegacyFile(path string) *credentialFile {
	f := &credentialFile{path: path}
	if data, err := readText(path); err == nil && json.Unmarshal(data, &f.Auths) != nil {
		f.Auths = nil
	}
	return f
}

// authConfigName is who is named where credentials come from the environment.
const authConfigName = "DOCKER_AUTH_CONFIG"

// list returns the files that a Login is stored in and a Logout removed from.
func (p CredentialPaths) list() (out []string) {
	for _, path := range []string{p.AuthFile, p.DockerConfig, p.RuntimeAuthFile, p.ConfigAuthFile} {
		if path != "" {
			out = append(out, path)
		}
	}
	return out
}

// read reads every place.
func (p CredentialPaths) read() (out []*credentialFile, err error) {
	if p.AuthConfig != "" {
		f, err := parseCredentials(authConfigName, []byte(p.AuthConfig))
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	for _, path := range p.list() {
		f, err := readCredentialFile(path)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	if p.LegacyFile != "" {
		out = append(out, readLegacyFile(p.LegacyFile))
	}
	return out, nil
}

// lookup returns the credential for a repository, empty where none is stored.
// A key with a path (Podman's) counts for the repositories below it, before the
// host's own.
func (k *keyring) lookup(ctx context.Context, host, repo string) (credential, error) {
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

func (k *keyring) from(ctx context.Context, f *credentialFile, host, repo string) (credential, error) {
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
		if entry := f.Auths[key]; !entry.bare() && tableKey(legacyHost(key)) == tableKey(host) {
			return entry.credential(f.path, key)
		}
	}
	return credential{helper: failed}, nil
}

// ask asks a credential helper, once for each server. That it fails is a part of
// the answer; an error is the context's.
func (k *keyring) ask(ctx context.Context, h helper) (credential, error) {
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

func (e authEntry) bare() bool { return e == authEntry{} }

func (e authEntry) credential(file, key string) (credential, error) {
	c := credential{key: key, source: file, username: e.Username, password: e.Password, identity: e.Identity, token: e.Token}
	if e.Auth != "" {
		raw, err := base64.StdEncoding.DecodeString(e.Auth)
		user, password, ok := strings.Cut(string(raw), ":")
		if err != nil || !ok {
			return c, &CredentialsError{file, "the auth of " + key + " is no base64 of USER:PASSWORD"}
		}
		c.username, c.password = user, strings.TrimRight(password, "\x00")
	}
	return c, nil
}

// hostKeys are the spellings under which a host's credentials are stored, the
// one to store them under first. For Docker Hub it is the URL of an API that is
// long gone.
func hostKeys(host string) []string {
	if registryName(host) == dockerHub {
		return append([]string{"https://index.docker.io/v1/"}, hubNames()...)
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
