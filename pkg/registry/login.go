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
	// Unchecked says that the registry asked for no credentials, so that
	// nobody knows whether these are right.
	Unchecked bool
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
	cred := credential{key: host, username: user, password: secret}
	if user == "" {
		cred = credential{key: host, identity: secret}
	}
	pong, err := c.ping(ctx, newEndpoint(host, &keyring{fixed: &cred}))
	if err != nil {
		return Stored{}, err
	}
	stored := Stored{File: resolved(paths[0]), Unchecked: pong.Challenge == ""}
	f, err := readCredentialFile(stored.File)
	if err != nil {
		return Stored{}, err
	}
	defer c.keys.forget()
	if helpers := f.helpersFor(host); len(helpers) > 0 {
		stored.Helper = helpers[0].program
		if err := helpers[0].store(ctx, cred); err != nil {
			return Stored{}, err
		}
		return stored, nil
	}
	store, err := credentials.NewFileStore(stored.File)
	if err != nil {
		return Stored{}, &CredentialsError{stored.File, "does not read"}
	}
	put := auth.Credential{Username: cred.username, Password: cred.password, RefreshToken: cred.identity}
	if err := store.Put(ctx, hostKeys(host)[0], put); err != nil {
		return Stored{}, &CredentialsError{stored.File, firstLine(err)}
	}
	return stored, nil
}

// Logout removes what is stored for a host and for repositories in it, wherever
// it is, and returns the files it was in. Errors: *CredentialsError.
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
		for _, h := range f.helpersFor(host) {
			erased, err := h.erase(ctx)
			if err != nil {
				return files, err
			}
			found = found || erased
		}
		keys := slices.DeleteFunc(slices.Sorted(maps.Keys(f.Auths)), func(key string) bool { return !isKeyOf(key, host) })
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

// isKeyOf tells whether an entry of a credential file is a host's, or that of
// repositories in it.
func isKeyOf(key, host string) bool {
	return slices.ContainsFunc(append(hostKeys(host), host), func(own string) bool {
		return key == own || legacyHost(key) == own || strings.HasPrefix(key, strings.TrimSuffix(own, "/")+"/")
	})
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
