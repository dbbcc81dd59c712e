package auth

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// Stored says where a Login was stored.
type Stored struct {
	File   string // the configuration file
	Helper string // the credential helper that keeps the secret; "" if the file itself does, unencrypted
	// Unchecked says that the registry asked for no credentials, so that
	// nobody knows whether these are right.
	Unchecked bool
}

// CanStore returns a *CredentialsError if a login cannot be stored at all.
func (k *Keyring) CanStore(host string, l Login) error {
	if len(k.paths.list()) == 0 {
		return &CredentialsError{host, "there is no file to store credentials in"}
	}
	if strings.Contains(l.User, ":") {
		return &CredentialsError{host, "a user name cannot hold a colon"}
	}
	return nil
}

// Store keeps a login where docker, podman and oras find it. Errors:
// *CredentialsError.
func (k *Keyring) Store(ctx context.Context, host string, l Login) (Stored, error) {
	stored := Stored{File: resolved(k.paths.list()[0])}
	f, err := readCredentialFile(stored.File)
	if err != nil {
		return Stored{}, err
	}
	defer k.forget()
	cred := l.credential(host)
	if helpers := f.helpersFor(host); len(helpers) > 0 {
		stored.Helper = helpers[0].program
		return stored, helpers[0].store(ctx, cred)
	}
	store, err := openStore(f)
	if err != nil {
		return Stored{}, err
	}
	put := auth.Credential{Username: cred.username, Password: cred.password, RefreshToken: cred.identity}
	if err := store.Put(ctx, hostKeys(host)[0], put); err != nil {
		return Stored{}, &CredentialsError{stored.File, firstLine(err)}
	}
	return stored, nil
}

// Erase removes what is stored for a host and for repositories in it, wherever it
// is, and returns the files it was in. Errors: *CredentialsError.
func (k *Keyring) Erase(ctx context.Context, host string) (files []string, err error) {
	defer k.forget()
	for _, path := range k.paths.list() {
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
			store, err := openStore(f)
			if err != nil {
				return files, err
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

// openStore opens a file for a change. What docker itself does not read is not
// changed.
func openStore(f *credentialFile) (*credentials.FileStore, error) {
	if f.marked {
		return nil, &CredentialsError{f.path, "begins with a byte order mark, which docker does not read: save it without"}
	}
	store, err := credentials.NewFileStore(f.path)
	if err != nil {
		return nil, &CredentialsError{f.path, "does not read"}
	}
	return store, nil
}

// isKeyOf reports whether an entry of a credential file is a host's, or that of
// repositories in it.
func isKeyOf(key, host string) bool {
	return slices.ContainsFunc(append(hostKeys(host), host), func(own string) bool {
		return key == own || wire.OneName(legacyHost(key)) == wire.OneName(own) || strings.HasPrefix(key, strings.TrimSuffix(own, "/")+"/")
	})
}

// forget makes the files be read again.
func (k *Keyring) forget() {
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
	return wire.Bounded(line)
}
