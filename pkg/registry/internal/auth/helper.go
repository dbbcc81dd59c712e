package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"time"
)

// helper is a program that keeps credentials, and the server under which it is
// asked for a host's (https://github.com/docker/docker-credential-helpers).
type helper struct {
	program string // docker-credential-NAME
	server  string
}

const (
	helperWait  = time.Second // for what a helper left running and that holds its output open
	tokenUser   = "<token>"   // the user of an identity token
	helperLacks = "credentials not found in native keychain"
)

// helpersFor returns the helpers that keep a host's credentials: those of the
// host, each under the key that names it in the file, then the one for all.
func (f *credentialFile) helpersFor(host string) (out []helper) {
	for _, key := range hostKeys(host) {
		if name := f.Helpers[key]; name != "" {
			out = append(out, helper{"docker-credential-" + name, key})
		}
	}
	if f.Store != "" {
		out = append(out, helper{"docker-credential-" + f.Store, hostKeys(host)[0]})
	}
	return out
}

// helperAnswer is what a helper reads and prints.
type helperAnswer struct {
	ServerURL string
	Username  string
	Secret    string
}

// get returns the credential that is kept, an empty one if none is. Errors:
// *CredentialsError, the context's.
func (h helper) get(ctx context.Context) (credential, error) {
	out, err := h.run(ctx, "get", h.server)
	if failed, ok := errors.AsType[*CredentialsError](err); ok && failed.Problem == helperLacks {
		return credential{}, nil
	}
	if err != nil {
		return credential{}, err
	}
	var got helperAnswer
	if json.Unmarshal(out, &got) != nil { // its text could quote a secret
		return credential{}, &CredentialsError{h.program, "prints no credentials"}
	}
	if got.Username == tokenUser {
		return credential{key: h.server, source: h.program, identity: got.Secret}, nil
	}
	return credential{key: h.server, source: h.program, username: got.Username, password: got.Secret}, nil
}

// store keeps a credential. Errors: those of get.
func (h helper) store(ctx context.Context, c credential) error {
	put := helperAnswer{ServerURL: h.server, Username: c.username, Secret: c.password}
	if c.identity != "" {
		put.Username, put.Secret = tokenUser, c.identity
	}
	data, err := json.Marshal(put)
	if err != nil {
		return err
	}
	_, err = h.run(ctx, "store", string(data))
	return err
}

// erase forgets what is kept, and reports whether there was anything.
func (h helper) erase(ctx context.Context) (found bool, err error) {
	c, err := h.get(ctx)
	if err != nil || c.empty() {
		return false, err
	}
	_, err = h.run(ctx, "erase", h.server)
	return err == nil, err
}

// run starts the helper. But for the words that the helpers' own library uses,
// neither what it prints nor its standard error is repeated: both can hold a secret.
func (h helper) run(ctx context.Context, action, input string) ([]byte, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, h.program, action)
	cmd.Stdin, cmd.Stdout, cmd.WaitDelay = strings.NewReader(input), &out, helperWait
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil || errors.Is(err, exec.ErrWaitDelay) { // it ended well, and left something running
		return out.Bytes(), nil
	}
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return nil, &CredentialsError{h.program, startProblem(err)}
	}
	problem := strings.TrimSpace(out.String())
	switch {
	case problem == helperLacks, problem == "no credentials server URL", problem == "no credentials username":
	case ended.ExitCode() < 0: // by a signal
		problem = ended.String()
	default:
		problem = fmt.Sprintf("exits with status %d", ended.ExitCode())
	}
	return nil, &CredentialsError{h.program, problem}
}

// startProblem is why a program could not be started, without its name.
func startProblem(err error) string {
	var exe *exec.Error
	var path *fs.PathError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "not found on PATH"
	case errors.As(err, &exe):
		err = exe.Err
	case errors.As(err, &path):
		err = path.Err
	}
	return err.Error()
}
