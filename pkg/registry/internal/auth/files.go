package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// Paths are the places in which credentials are looked for, in the
// order of the fields; "" means none. A Login is stored in the first file.
type Paths struct {
	AuthConfig      string // what DOCKER_AUTH_CONFIG holds: the text of a config.json
	AuthFile        string // what REGISTRY_AUTH_FILE names (Podman, Skopeo)
	DockerConfig    string // config.json in DOCKER_CONFIG or ~/.docker
	RuntimeAuthFile string // containers/auth.json in XDG_RUNTIME_DIR or /run (Podman)
	ConfigAuthFile  string // containers/auth.json in XDG_CONFIG_HOME or ~/.config (Podman)
	LegacyFile      string // ~/.dockercfg, which has entries without "auths" around them
}

// Conventional returns where docker and podman keep credentials, by the
// environment variables that they know (docker-cli's config.Dir and
// DOCKER_AUTH_CONFIG, containers-auth.json(5)). home is the user's home folder,
// "" for none, and uid the user's number, below 0 if there is none.
func Conventional(env func(key string) string, home string, uid int) Paths {
	p := Paths{AuthConfig: env("DOCKER_AUTH_CONFIG"), AuthFile: env("REGISTRY_AUTH_FILE")}
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

// credentialFile is Docker's config.json or Podman's auth.json, which have the
// same form
// (https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md).
type credentialFile struct {
	path    string
	marked  bool                 // begins with a byte order mark
	broken  error                // why it could not be read, which matters only if credentials are missing
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
	data, marked, err := wire.ReadText(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &credentialFile{path: path}, nil
	case errors.Is(err, fs.ErrPermission): // written by root, say: most registries do not even ask
		return &credentialFile{path: path, broken: &CredentialsError{path, "permission denied"}}, nil
	case errors.Is(err, wire.ErrUTF16):
		return nil, &CredentialsError{path, err.Error()}
	case err != nil:
		return nil, &CredentialsError{path, "does not read"}
	}
	f, err := parseCredentials(path, data)
	if err == nil {
		f.marked = marked
	}
	return f, err
}

func parseCredentials(path string, data []byte) (*credentialFile, error) {
	f := &credentialFile{path: path}
	if len(bytes.TrimSpace(data)) == 0 {
		return f, nil
	}
	if json.Unmarshal(data, f) != nil { // its text could quote a secret
		return nil, &CredentialsError{path, "is not valid JSON of credentials"}
	}
	return f, nil
}

// readLegacyFile reads ~/.dockercfg, from before Docker 1.7. What is not such a file
// is passed over: hardly anybody knows that it is there.
func readLegacyFile(path string) *credentialFile {
	f := &credentialFile{path: path}
	if data, _, err := wire.ReadText(path); err == nil && json.Unmarshal(data, &f.Auths) != nil {
		f.Auths = nil
	}
	return f
}

// authConfigName is the source of credentials from the environment.
const authConfigName = "DOCKER_AUTH_CONFIG"

// list returns the files that a Login is stored in and a Logout removed from.
func (p Paths) list() (out []string) {
	for _, path := range []string{p.AuthFile, p.DockerConfig, p.RuntimeAuthFile, p.ConfigAuthFile} {
		if path != "" {
			out = append(out, path)
		}
	}
	return out
}

// read reads every place.
func (p Paths) read() (out []*credentialFile, err error) {
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

func (e authEntry) bare() bool { return e == authEntry{} }

func (e authEntry) credential(file, key string) (credential, error) {
	c := credential{key: key, source: file, username: e.Username, password: e.Password, identity: e.Identity, token: e.Token}
	if e.Auth != "" {
		raw, err := base64.StdEncoding.DecodeString(e.Auth)
		user, password, ok := strings.Cut(string(raw), ":")
		if err != nil || !ok {
			return c, &CredentialsError{file, "the auth of " + key + " is not base64 of USER:PASSWORD"}
		}
		c.username, c.password = user, strings.TrimRight(password, "\x00")
	}
	return c, nil
}

// CredentialsError says why a credential file could not be used. It holds no
// secret.
type CredentialsError struct {
	File    string
	Problem string
}

func (e *CredentialsError) Error() string    { return e.File + ": " + e.Problem }
func (e *CredentialsError) Kind() fault.Kind { return fault.Failure }
