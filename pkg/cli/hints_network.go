package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/duration"
)

// networkHints are those about registries.
func (a *app) networkHints(err error) []string {
	var (
		auth     *registry.AuthError
		down     *registry.UnreachableError
		tls      *registry.TLSError
		scheme   *registry.SchemeError
		status   *registry.StatusError
		missing  *registry.NotFoundError
		odd      *registry.ProtocolError
		limit    *registry.LimitError
		stored   *registry.CredentialsError
		certFile *registry.CertificateError
	)
	switch {
	case errors.As(err, &auth):
		return a.authHints(auth)
	case errors.As(err, &tls):
		return a.tlsHints(tls)
	case errors.As(err, &scheme):
		if scheme.Used == "https" {
			return []string{fmt.Sprintf("if that is meant: --plain-http, or in HOME/config.toml: [registries.%q] plain-http = true", scheme.Host)}
		}
		return []string{fmt.Sprintf("leave --plain-http out, and plain-http of [registries.%q] in HOME/config.toml", scheme.Host)}
	case errors.As(err, &down):
		return a.unreachableHints(down)
	case errors.As(err, &status):
		return a.statusHints(status)
	case errors.As(err, &missing) && missing.Write:
		return []string{"make the repository " + missing.Repository + " first: this registry makes none by itself", "or check its name"}
	case errors.As(err, &missing):
		return []string{"see what there is: " + a.displayName() + " versions " + driverName(missing.Repository)}
	case errors.As(err, &odd):
		return []string{"check that " + odd.Host + " is a registry and that no proxy or login page answers in its place: the same command with -v tells each request"}
	case errors.As(err, &limit):
		return []string{"the registry lists more than a registry should: tell its owner; the same command with -v tells each request"}
	case errors.As(err, &stored):
		return a.credentialsHints(stored)
	case errors.As(err, &certFile):
		return a.certificateHints(certFile)
	case isTimeout(err):
		return []string{"give it more time with --timeout, or none of it"}
	}
	return nil
}

// statusHints are those about answers that say no. Where it is the token
// service's, that of the registry is named, whose owner can do something.
func (a *app) statusHints(e *registry.StatusError) []string {
	service := "the registry " + e.Host
	if e.TokenHost != "" {
		service = "the token service that " + e.Host + " names"
	}
	switch {
	case hasExpired(e.Codes):
		return []string{"log in again: " + a.displayName() + " login " + e.Host}
	case e.Storage != "":
		return []string{"check this machine's clock, by which signed addresses expire, and that no proxy answers in place of " + e.Storage + ", where " + e.Host + " keeps its blobs"}
	case e.Status == http.StatusTooManyRequests && e.RetryAfter > 0:
		return []string{fmt.Sprintf("the registry limits how often it is asked: try again in %s, or log in for a higher limit: %s login %s", duration.Format(e.RetryAfter), a.displayName(), e.Host)}
	case e.Status == http.StatusTooManyRequests:
		return []string{"the registry limits how often it is asked: wait, or log in for a higher limit: " + a.displayName() + " login " + e.Host}
	case e.Status >= 500 && e.RetryAfter > 0:
		return []string{service + " has a problem of its own: try again in " + duration.Format(e.RetryAfter)}
	case e.Status >= 500:
		return []string{service + " has a problem of its own: try again later"}
	case e.TokenHost != "":
		return []string{service + " does not work: tell the registry's owner"}
	case e.Status == http.StatusNotFound && e.Repository == "":
		return []string{"no registry answers there: check host and port of " + e.Host}
	}
	return []string{service + " does not take the request: the same command with -v tells each one, for its owner to see"}
}

// credentialsHints are those about credential files and helpers.
func (a *app) credentialsHints(e *registry.CredentialsError) []string {
	if strings.HasPrefix(e.File, "docker-credential-") {
		return []string{"see whether it works: " + e.File + " list", "or leave it out of credsStore and credHelpers in docker's config.json"}
	}
	return []string{"mend or remove that file, then log in again: " + a.displayName() + " login HOST"}
}

// online puts a better hint to being offline where nothing but the registry
// will do, so that no bundle helps.
func online(err error) error {
	if errors.As(err, new(*registry.OfflineError)) {
		return &advised{err, []string{"this needs the registry: leave --offline and SCHEMAHERO_PLUGIN_OFFLINE out"}}
	}
	return err
}

// hostPort is a host with HTTPS's port where it names none.
func hostPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return host + ":443"
}

// certificateHints names where the file is named.
func (a *app) certificateHints(e *registry.CertificateError) []string {
	if strings.Contains(e.Err.Error(), "negative serial number") {
		return []string{"the certificate must be issued anew with a serial number above zero; until then GODEBUG=x509negativeserial=1 in the environment takes it"}
	}
	if a.flags.caFile != "" && a.abs(a.flags.caFile) == e.File {
		return []string{"--ca-file takes a file of PEM certificates"}
	}
	if c, err := a.loadConfig(); err == nil {
		for host, r := range c.Registries {
			for key, file := range map[string]string{"ca-file": r.CAFile, "client-cert": r.ClientCert, "client-key": r.ClientKey} {
				if file == e.File {
					return []string{fmt.Sprintf("HOME/config.toml names it, [registries.%q] %s: it takes a PEM file", host, key)}
				}
			}
		}
	}
	return nil
}

// saidWords is what a registry says, in lower case.
func saidWords(codes []registry.ErrorCode) string {
	var words strings.Builder
	for _, c := range codes {
		words.WriteString(strings.ToLower(c.Code + " " + c.Message + " " + c.Detail + "\n"))
	}
	return words.String()
}

// hasExpired reports whether a registry says that a login is too old: whatever
// the status of such an answer, only another login helps.
func hasExpired(codes []registry.ErrorCode) bool {
	words := saidWords(codes)
	return strings.Contains(words, "expired") && !strings.Contains(words, "request has expired") || strings.Contains(words, "reauthenticate") || strings.Contains(words, "invalid_grant")
}

func (a *app) authHints(e *registry.AuthError) []string {
	login := a.displayName() + " login " + e.Registry
	var helper *registry.CredentialsError
	if e.Cause == registry.AuthMissing && errors.As(e.Helper, &helper) {
		return a.credentialsHints(helper)
	}
	switch words := saidWords(e.Codes); {
	case hasExpired(e.Codes):
		return []string{"log in again, what is stored is no longer valid: " + login}
	case e.Cause == registry.AuthInsufficient && strings.Contains(words, "scope"):
		return []string{"log in with a token whose scopes allow this: " + login}
	case e.Cause == registry.AuthInsufficient && (strings.Contains(words, "quota") || strings.Contains(words, "limit")):
		return []string{"the registry says what is used up: ask its owner"}
	}
	switch e.Cause {
	case registry.AuthWrong:
		return []string{"log in again, with a password or token that is still valid: " + login}
	case registry.AuthInsufficient:
		return []string{"ask the registry's owner for access to the repository, or log in as another user: " + login}
	case registry.AuthDenied:
		return []string{"check the name, and that no proxy or firewall answers in the registry's place; or ask its owner for access: the same command with -v tells each request"}
	case registry.AuthUnsupported:
		return []string{"basic and bearer are supported: tell the registry's owner, or check that " + e.Registry + " is one and no proxy answers in its place: the same command with -v tells each request"}
	}
	return []string{"log in: " + login, "a repository that does not exist can look the same: check its name"}
}

func (a *app) tlsHints(e *registry.TLSError) []string {
	table := fmt.Sprintf("in HOME/config.toml: [registries.%q]", e.Host)
	switch e.Cause {
	case registry.TLSUnknownAuthority:
		return []string{"trust the authority that signed its certificate: --ca-file FILE, or " + table + " ca-file = \"FILE\""}
	case registry.TLSClientCertificate:
		return []string{"give the certificate that it asks for, " + table + " client-cert and client-key"}
	case registry.TLSExpired:
		return []string{"check this machine's clock, then tell the registry's owner that its certificate is not valid now"}
	case registry.TLSHostname:
		return []string{"use the host name that its certificate is for, or tell the registry's owner"}
	}
	if strings.Contains(e.Err.Error(), "negative serial number") {
		return []string{"the certificate must be issued anew with a serial number above zero: tell the registry's owner, or who runs the proxy that shows it; until then GODEBUG=x509negativeserial=1 in the environment takes it"}
	}
	return []string{"tell the registry's owner, or who runs a proxy before it; what it shows: openssl s_client -connect " + hostPort(e.Host) + " -showcerts"}
}

func (a *app) unreachableHints(e *registry.UnreachableError) []string {
	switch e.Cause {
	case registry.NetworkDNS:
		if dns := (*net.DNSError)(nil); errors.As(e.Err, &dns) && !dns.IsNotFound {
			return []string{"check this machine's DNS: its name server fails, and may answer in a moment"}
		}
		return []string{"check the host's name, and this machine's DNS or HTTPS_PROXY"}
	case registry.NetworkProxy:
		return []string{"check HTTPS_PROXY, and list hosts to reach directly in NO_PROXY"}
	case registry.NetworkRefused:
		return []string{"check that the registry runs and that host and port are right"}
	case registry.NetworkReset:
		if a.plainHTTP(e.Host) {
			return []string{fmt.Sprintf("if it speaks HTTPS: leave --plain-http out, and plain-http of [registries.%q] in HOME/config.toml", e.Host)}
		}
	}
	return []string{"try again; behind a proxy set HTTPS_PROXY"}
}

// plainHTTP tells whether a host was asked over plain HTTP because somebody
// said so.
func (a *app) plainHTTP(host string) bool {
	if c, err := a.loadConfig(); err == nil {
		for name, r := range c.Registries {
			if registry.SameRegistry(name, host) && r.PlainHTTP != nil {
				return *r.PlainHTTP
			}
		}
	}
	return a.flags.plainHTTP
}
