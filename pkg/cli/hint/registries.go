package hint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/duration"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// registries are the errors of asking registries.
func registries() section {
	return section{title: "Registries", rows: []row{
		on(authHints,
			told("`unauthorized: … none are stored`", "`plugin login HOST`. Many registries say the same of a repository that does not exist: check the name", fault.Denied),
			told("`unauthorized: the registry does not accept the credentials`", "The password or token is no longer valid: `plugin login HOST`", fault.Denied),
			told("`denied: the … credentials do not allow this`", "Ask the registry's owner for access, or log in as somebody else: `plugin login HOST -u USER`", fault.Denied),
			told("`unauthorized: … none could be read; docker-credential-…`", "The credential helper fails: `docker-credential-NAME list` shows whether it works. What it prints is not told, since it can be a secret", fault.Denied),
			told("`unauthorized: … a scheme that is not supported`, `does not say which credentials`", "Basic and bearer are supported. Check that the host is a registry and no proxy answers in its place; `-v` tells each request", fault.Denied),
			told("`denied: the registry refuses this and asks for no credentials`", "Check the name; a proxy or firewall can answer so too. Ask the registry's owner for access", fault.Denied),
			told("`asks for no credentials, so nobody knows …` (a warning of `login`)", "The registry is open to everyone: what was typed is stored and was not tried")),
		on(tlsHints,
			told("`certificate signed by unknown authority`", "`--ca-file FILE`, or in `~/.schemahero/config.toml`: `[registries.\"HOST\"]` with `ca-file = \"FILE\"`", fault.Unreachable),
			told("certificate expired, or for another host", "Check this machine's clock; tell the registry's owner", fault.Unreachable),
			told("the server asks for a client certificate", "`[registries.\"HOST\"]` with `client-cert` and `client-key`", fault.Unreachable),
			told("`certificate … of this PEM file: x509: negative serial number`, `tls: failed to parse certificate from server: …`", "The certificate breaks a rule that Go holds: it must be issued again. `GODEBUG=x509negativeserial=1` in the environment takes a negative serial number until then", fault.Failure, fault.Unreachable)),
		on(func(_ Context, e *registry.SchemeError) []string {
			if e.Used == "https" {
				return []string{fmt.Sprintf("if that is meant: --plain-http, or in HOME/config.toml: [registries.%q] plain-http = true", e.Host)}
			}
			return []string{fmt.Sprintf("leave --plain-http out, and plain-http of [registries.%q] in HOME/config.toml", e.Host)}
		},
			told("`speaks plain HTTP, was asked over HTTPS`", "If that is meant: `--plain-http`, or `[registries.\"HOST\"]` with `plain-http = true`", fault.Unreachable),
			told("`speaks HTTPS, was asked over plain HTTP`", "Leave `--plain-http` and `plain-http` out. A server that cuts the connection at once can be one of these", fault.Unreachable)),
		on(unreachableHints,
			told("`the proxy refuses`", "Check `HTTPS_PROXY`, of a proxy that asks for a login `http://USER:PASSWORD@HOST:PORT`; list hosts to reach directly in `NO_PROXY`", fault.Unreachable),
			told("`warning: HOST: …`", "Words of the registry itself, that it will close or limits something, for example: told once"),
			told("`the name server does not answer`", "It was tried five times: check this machine's DNS, and try again", fault.Unreachable),
			told("`no such host`", "Check the name, and this machine's DNS or `HTTPS_PROXY`", fault.Unreachable),
			told("`connection refused`", "Check that the registry runs, and host and port", fault.Unreachable),
			told("`unreachable`", "Try again", fault.Unreachable)),
		on(statusHints,
			told("`answered 4…`", "Check that the host is a registry and that no proxy or login page answers in its place: the same command with `-v` tells each request", fault.Unreachable),
			told("`GET answered 404` of a host alone", "No registry answers there: check host and port", fault.Unreachable),
			told("`the token service … answered …`", "The host that gives out the registry's tokens does not work: try again later, or tell the registry's owner", fault.Unreachable),
			told("`answered 429 Too Many Requests`", "It was tried five times, but if it asks to wait longer than five minutes. Wait, or log in for a higher limit: `plugin login HOST`; `--stats` shows the remaining quota where the registry tells it", fault.Unreachable)),
		on(func(c Context, e *install.ItemError) []string {
			// Its repository need not be called as the driver is.
			if errors.As(e.Err, new(*registry.NotFoundError)) {
				return []string{"see what there is: " + c.Name + " versions " + e.Item.Plugin}
			}
			return nil
		}),
		on(func(c Context, e *registry.NotFoundError) []string {
			if e.Write {
				return []string{"make the repository " + e.Repository + " first: this registry makes none by itself", "or check its name"}
			}
			return []string{"see what there is: " + c.Name + " versions " + manifest.NameIn(e.Repository)}
		}, told("`REPOSITORY:TAG: not found`, `REPOSITORY@DIGEST: not found` (manifest or blob unknown)", "See what there is: `plugin versions NAME`, and of any repository `plugin search HOST/PATH`", fault.Unsatisfied)),
		on(func(_ Context, e *registry.ProtocolError) []string {
			return []string{"check that " + e.Host + " is a registry and that no proxy or login page answers in its place: the same command with -v tells each request"}
		}, told("`does not parse`, `goes in circles`, `redirects to …`", "Check that the host is a registry and that no proxy or login page answers in its place: the same command with `-v` tells each request", fault.Unreachable)),
		on(func(_ Context, _ *registry.LimitError) []string {
			return []string{"the registry lists more than a registry should: tell its owner; the same command with -v tells each request"}
		}, told("`more than … pages`", "Tell the registry's owner", fault.Unreachable)),
		on(credentialsHints, told("`config.json: …`", "Mend or remove that file, then log in again: `plugin login HOST`. It is UTF-8: Windows editors and PowerShell write UTF-16", fault.Failure)),
		on(certificateHints, told("`FILE: holds no PEM certificate`, `FILE: is UTF-16: save it as UTF-8`, `FILE: no such file or directory`", "`--ca-file` and the keys of `[registries.\"HOST\"]` take PEM files: the hint says which names it", fault.Failure)),
		on(referenceHints[*registry.ReferenceError]),
		on(referenceHints[*artifact.RepositoryError]),
		on(referenceHints[*policy.ReferenceError], told("`repository \"…\": begins with the host, without a scheme`, `is a repository with a tag or digest`", "A repository is written `HOST/PATH`, a release `HOST/PATH:TAG` or `HOST/PATH@DIGEST`; `plugin search HOST/PATH` lists what lies below", fault.Usage)),
		{hints: func(_ Context, err error) []string {
			if !errors.Is(err, context.DeadlineExceeded) {
				return nil
			}
			return []string{"raise --timeout, or omit it"}
		}, docs: []doc{told("`timeout: not done within …`", "Give it more time with `--timeout`", fault.Unreachable)}},
	}}
}

// referenceHints are those about the name of a repository or release.
func referenceHints[E error](c Context, _ E) []string {
	return []string{"a repository is written HOST/PATH, a release HOST/PATH:TAG or HOST/PATH@DIGEST; see what there is: " + c.Name + " search HOST/PATH"}
}

// statusHints are those about answers that say no. If it is the token
// service's, that of the registry is named, whose owner can do something.
func statusHints(c Context, e *registry.StatusError) []string {
	service := "the registry " + e.Host
	if e.TokenHost != "" {
		service = "the token service that " + e.Host + " names"
	}
	switch {
	case hasExpired(e.Codes):
		return []string{"log in again: " + c.Name + " login " + e.Host}
	case e.Storage != "":
		return []string{"check this machine's clock, by which signed addresses expire, and that no proxy answers in place of " + e.Storage + ", where " + e.Host + " keeps its blobs"}
	case e.Status == http.StatusTooManyRequests && e.RetryAfter > 0:
		return []string{fmt.Sprintf("the registry limits the rate of requests: try again in %s, or log in for a higher limit: %s login %s", duration.Format(e.RetryAfter), c.Name, e.Host)}
	case e.Status == http.StatusTooManyRequests:
		return []string{"the registry limits the rate of requests: wait, or log in for a higher limit: " + c.Name + " login " + e.Host}
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
func credentialsHints(c Context, e *registry.CredentialsError) []string {
	if strings.HasPrefix(e.File, "docker-credential-") {
		return []string{"see whether it works: " + e.File + " list", "or leave it out of credsStore and credHelpers in docker's config.json"}
	}
	return []string{"fix or delete that file, then log in again: " + c.Name + " login HOST"}
}

// hostPort is a host with HTTPS's port where it names none.
func hostPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return host + ":443"
}

// certificateHints names where the file is named.
func certificateHints(c Context, e *registry.CertificateError) []string {
	if strings.Contains(e.Err.Error(), "negative serial number") {
		return []string{"the certificate must be issued again with a serial number above zero; until then GODEBUG=x509negativeserial=1 in the environment takes it"}
	}
	if c.CAFile != "" && c.CAFile == e.File {
		return []string{"--ca-file takes a file of PEM certificates"}
	}
	for host, r := range c.Config.Registries {
		for key, file := range map[string]string{"ca-file": r.CAFile, "client-cert": r.ClientCert, "client-key": r.ClientKey} {
			if file == e.File {
				return []string{fmt.Sprintf("[registries.%q] of this machine's config names it, %s: it takes a PEM file", host, key)}
			}
		}
	}
	return nil
}

// saidWords is what a registry says, in lower case.
func saidWords(codes []registry.ErrorCode) string {
	var words strings.Builder
	for _, code := range codes {
		words.WriteString(strings.ToLower(code.Code + " " + code.Message + " " + code.Detail + "\n"))
	}
	return words.String()
}

// hasExpired reports whether a registry says that a login is too old: whatever
// the status of such an answer, only another login helps.
func hasExpired(codes []registry.ErrorCode) bool {
	words := saidWords(codes)
	return strings.Contains(words, "expired") && !strings.Contains(words, "request has expired") || strings.Contains(words, "reauthenticate") || strings.Contains(words, "invalid_grant")
}

func authHints(c Context, e *registry.AuthError) []string {
	login := c.Name + " login " + e.Registry
	var helper *registry.CredentialsError
	if e.Cause == registry.AuthMissing && errors.As(e.Helper, &helper) {
		return credentialsHints(c, helper)
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

func tlsHints(c Context, e *registry.TLSError) []string {
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
		return []string{"the certificate must be issued again with a serial number above zero: tell the registry's owner, or who runs the proxy that shows it; until then GODEBUG=x509negativeserial=1 in the environment takes it"}
	}
	return []string{"tell the registry's owner, or who runs a proxy before it; what it shows: openssl s_client -connect " + hostPort(e.Host) + " -showcerts"}
}

func unreachableHints(c Context, e *registry.UnreachableError) []string {
	switch e.Cause {
	case registry.NetworkDNS:
		if dns := (*net.DNSError)(nil); errors.As(e.Err, &dns) && !dns.IsNotFound {
			return []string{"check this machine's DNS: its name server fails, and may answer in a moment"}
		}
		return []string{"check the host's name, and this machine's DNS or HTTPS_PROXY"}
	case registry.NetworkProxy:
		return []string{"check HTTPS_PROXY, with a login as http://USER:PASSWORD@HOST:PORT, and list hosts to reach directly in NO_PROXY"}
	case registry.NetworkRefused:
		return []string{"check that the registry runs and that host and port are right"}
	case registry.NetworkReset:
		if plainHTTP(c, e.Host) {
			return []string{fmt.Sprintf("if it speaks HTTPS: leave --plain-http out, and plain-http of [registries.%q] in HOME/config.toml", e.Host)}
		}
	}
	return []string{"try again; behind a proxy set HTTPS_PROXY"}
}

// plainHTTP reports whether a host was asked over plain HTTP because somebody
// said so.
func plainHTTP(c Context, host string) bool {
	for name, r := range c.Config.Registries {
		if registry.SameRegistry(name, host) && r.PlainHTTP != nil {
			return *r.PlainHTTP
		}
	}
	return c.PlainHTTP
}
