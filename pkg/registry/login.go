package registry

import (
	"context"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// Pong is what a registry's answer to a Ping tells.
type Pong struct {
	Host      string
	URL       string        // as asked, with the scheme
	Challenge string        // "basic" or "bearer" where credentials are asked for, or ""
	Username  string        // whose credentials were accepted; "" where none were sent
	Source    string        // where they came from
	Date      time.Time     // the server's clock; zero where it does not say
	Latency   time.Duration // with all that authentication took
}

// Ping asks whether a host is a registry and accepts the credentials stored
// for it. Errors: those of a Repository.
func (c *Client) Ping(ctx context.Context, host string) (Pong, error) {
	if err := checkHost(host); err != nil {
		return Pong{}, err
	}
	return c.ping(ctx, c.endpoint(host))
}

func (c *Client) ping(ctx context.Context, ep *endpoint) (Pong, error) {
	p := Pong{Host: ep.name}
	start := c.now()
	// "Determining Support" of the distribution-spec.
	req := &request{ep: ep, kind: KindOther, method: http.MethodGet, path: "/v2/"}
	err := c.fetch(ctx, req, func(resp *http.Response) error {
		p.URL = safeURL(resp.Request.URL)
		p.Date, _ = http.ParseTime(resp.Header.Get("Date"))
		return nil
	})
	p.Latency = c.now().Sub(start)
	if err != nil {
		return p, err
	}
	if err := ep.auth.acquire(ctx); err != nil {
		return p, err
	}
	defer ep.auth.release()
	p.Challenge = ep.auth.challenge.scheme
	if p.Challenge != "" {
		cred, err := ep.auth.keys.lookup(ctx, ep.name, "")
		if err != nil {
			return p, err
		}
		p.Username, p.Source = cred.username, cred.source
	}
	return p, nil
}

// Stored tells where a Login was stored.
type Stored struct {
	File   string // the configuration file
	Helper string // the credential helper that keeps the secret; "" where the file itself does, unencrypted
}

// Login tries a user's password or token and stores it where docker, podman and
// oras find it. An identity token is given with an empty user. Errors:
// *AuthError where it is refused, and nothing is stored then;
// *CredentialsError.
func (c *Client) Login(ctx context.Context, host, user, secret string) (Stored, error) {
	if err := checkHost(host); err != nil {
		return Stored{}, err
	}
	paths := c.o.Credentials.list()
	if len(paths) == 0 {
		return Stored{}, &CredentialsError{host, "there is no file to store credentials in"}
	}
	if strings.Contains(user, ":") {
		return Stored{}, &CredentialsError{host, "a user name cannot hold a colon"}
	}
	cred := auth.Credential{Username: user, Password: secret}
	fixed := credential{key: host, username: user, password: secret}
	if user == "" {
		cred = auth.Credential{RefreshToken: secret}
		fixed = credential{key: host, identity: secret}
	}
	if _, err := c.ping(ctx, newEndpoint(host, &keyring{fixed: &fixed})); err != nil {
		return Stored{}, err
	}
	key := hostKeys(host)[0]
	stored := Stored{File: resolved(paths[0])}
	f, err := readCredentialFile(stored.File)
	if err != nil {
		return Stored{}, err
	}
	if helper := f.helperFor(host); helper != "" {
		stored.Helper = "docker-credential-" + helper
	}
	store, err := credentials.NewStore(stored.File, credentials.StoreOptions{AllowPlaintextPut: true})
	if err != nil {
		return Stored{}, &CredentialsError{stored.File, "does not read"}
	}
	if err := store.Put(ctx, key, cred); err != nil {
		return Stored{}, &CredentialsError{stored.File, firstLine(err)}
	}
	c.keys.forget()
	return stored, nil
}

// Logout removes what is stored for a host, wherever it is, and returns the
// files it was in. Errors: *CredentialsError.
func (c *Client) Logout(ctx context.Context, host string) (files []string, err error) {
	if err := checkHost(host); err != nil {
		return nil, err
	}
	defer c.keys.forget()
	for _, path := range c.o.Credentials.list() {
		path = resolved(path)
		f, err := readCredentialFile(path)
		if err != nil {
			return files, err
		}
		found := false
		if helper := f.helperFor(host); helper != "" {
			found, err = eraseFromHelper(ctx, helper, hostKeys(host)[0])
			if err != nil {
				return files, err
			}
		}
		keys := slices.DeleteFunc(slices.Sorted(maps.Keys(f.Auths)), func(key string) bool {
			return !slices.Contains(hostKeys(host), key) && legacyHost(key) != host
		})
		if len(keys) > 0 {
			store, err := credentials.NewFileStore(path)
			if err != nil {
				return files, &CredentialsError{path, "does not read"}
			}
			for _, key := range keys {
				if err := store.Delete(ctx, key); err != nil {
					return files, &CredentialsError{path, firstLine(err)}
				}
			}
		}
		if found || len(keys) > 0 {
			files = append(files, path)
		}
	}
	return files, nil
}

func eraseFromHelper(ctx context.Context, helper, key string) (found bool, err error) {
	store := credentials.NewNativeStore(helper)
	got, err := store.Get(ctx, key)
	if err == nil && got == auth.EmptyCredential {
		return false, nil
	}
	if err == nil {
		err = store.Delete(ctx, key)
	}
	if err != nil {
		return false, &CredentialsError{"docker-credential-" + helper, firstLine(err)}
	}
	return true, nil
}

// helperFor returns the helper that keeps a host's credentials, "" where the
// file does.
func (f *credentialFile) helperFor(host string) string {
	for _, key := range hostKeys(host) {
		if h := f.Helpers[key]; h != "" {
			return h
		}
	}
	return f.Store
}

// forget makes the files be read again.
func (k *keyring) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.files, k.read, k.asked = nil, false, nil
}

// resolved follows links, so that a file is replaced and not the link to it.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return bounded(line)
}
