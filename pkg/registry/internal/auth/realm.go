package auth

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// fetchToken asks the realm that the registry named, with a GET
// (https://distribution.github.io/distribution/spec/auth/token/) or, for an
// identity token, a POST (…/spec/auth/oauth/).
func (s *Session) fetchToken(ctx context.Context, r *wire.Request, cred credential, n need, scopes []string) (*token, error) {
	ch := n.challenge
	realm, err := s.realm(cred, n)
	if err != nil {
		return nil, err
	}
	tr := &wire.Request{
		Endpoint: r.Endpoint, Kind: wire.KindToken, Method: http.MethodGet, Absolute: realm, From: &url.URL{Scheme: n.over, Host: wire.HostOf(s.name)},
		Name: r.Name, Reference: r.Reference, Header: http.Header{"Accept": {"application/json"}},
	}
	form := url.Values{}
	if ch.service != "" {
		form.Set("service", ch.service)
	}
	if cred.identity != "" {
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", cred.identity)
		form.Set("client_id", wire.UserAgent)
		form.Set("scope", strings.Join(scopes, " "))
		tr.Method = http.MethodPost
		tr.SetBody([]byte(form.Encode()))
		tr.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		form["scope"] = scopes
		query := form.Encode()
		if realm.RawQuery != "" {
			query = realm.RawQuery + "&" + query
		}
		realm.RawQuery = query
		if cred.username != "" || cred.password != "" {
			tr.Header.Set("Authorization", "Basic "+basic(cred.username, cred.password))
		}
	}
	asked := s.wire.Now()
	var t *token
	err = s.wire.Retry(ctx, s.wire.Tries(false), realm.Host, r.Subject(), func() (err error) {
		t, err = s.askRealm(ctx, tr, cred)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.key = cred.key
	if t.expires.IsZero() {
		t.expires = asked.Add(tokenLifetime)
	}
	if t.scopes == nil {
		t.scopes = scopes
	}
	return t, nil
}

// realm is where a registry's token service is. Over plain HTTP credentials go
// only if the registry itself is asked so, to its own host; a token for
// everybody is taken from wherever plain HTTP may be spoken. A registry behind a
// proxy that speaks TLS for it can write http for itself: that is asked as the
// registry is.
func (s *Session) realm(cred credential, n need) (*url.URL, error) {
	at := wire.HostOf(s.name)
	asked := &url.URL{Scheme: n.over, Host: at}
	realm, err := url.Parse(n.challenge.realm)
	if err == nil && strings.HasPrefix(n.challenge.realm, "/") {
		realm = asked.ResolveReference(realm)
	}
	if err != nil || realm.Host == "" {
		return nil, s.broken(s.name, "names a token service that is not a URL")
	}
	realm.User = nil
	if is := s.wire.LeadsInward(asked, realm.Host); is != "" {
		return nil, s.broken(s.name, "names a token service at "+wire.Place(realm)+", which is "+is)
	}
	own := wire.Hostname(realm.Host) == wire.Hostname(at)
	if realm.Scheme == "http" && n.over == "https" && own {
		if port := realm.Port(); port == "" || port == "80" || port == asked.Port() {
			realm.Scheme, realm.Host = asked.Scheme, asked.Host
		}
	}
	switch {
	case realm.Scheme == "https":
	case realm.Scheme == "http" && wire.IsLoopback(at) && wire.IsLoopback(realm.Host):
	case realm.Scheme == "http" && own && n.over == "http":
	case realm.Scheme == "http" && cred.empty() && s.wire.PlainAllowed(realm):
	default:
		return nil, s.broken(s.name, "names a token service at "+realm.Scheme+"://"+realm.Host+", which is not HTTPS")
	}
	return realm, nil
}

func (s *Session) askRealm(ctx context.Context, tr *wire.Request, cred credential) (*token, error) {
	asked := s.wire.Now()
	resp, err := s.wire.Ask(ctx, tr)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		denied := &wire.AuthError{
			Registry: s.name, Repository: tr.Name, Cause: wire.AuthWrong, Codes: wire.ReadCodes(resp.Body),
			Username: cred.username, Source: cred.source, Helper: cred.helper,
		}
		if cred.empty() {
			denied.Cause = wire.AuthMissing
		} else if resp.StatusCode == http.StatusForbidden {
			denied.Cause = wire.AuthInsufficient
		}
		return nil, denied
	case resp.StatusCode == http.StatusBadRequest && cred.identity != "":
		// invalid_grant: the identity token has expired (RFC 6749, 5.2).
		return nil, &wire.AuthError{Registry: s.name, Repository: tr.Name, Cause: wire.AuthWrong, Source: cred.source, Codes: wire.ReadCodes(resp.Body)}
	case resp.StatusCode >= 400:
		return nil, s.wire.Failure(tr, resp)
	}
	var answer struct {
		Token     string  `json:"token"`
		Access    string  `json:"access_token"`
		ExpiresIn seconds `json:"expires_in"`
	}
	body := bufio.NewReader(io.LimitReader(resp.Body, maxTokenAnswer))
	if mark, _ := body.Peek(3); string(mark) == "\ufeff" {
		_, _ = body.Discard(3)
	}
	if err := json.NewDecoder(body).Decode(&answer); err != nil {
		return nil, wire.Unparsed(err, tr.Absolute.Host, s.name, "the token service's answer does not parse")
	}
	t := &token{value: answer.Token, scopes: granted(answer.Token)}
	if t.value == "" {
		t.value, t.scopes = answer.Access, granted(answer.Access)
	}
	if t.value == "" || strings.ContainsAny(t.value, "\r\n") {
		return nil, s.broken(tr.Absolute.Host, "the token service's answer holds no token")
	}
	if answer.ExpiresIn > 0 {
		life := time.Duration(min(answer.ExpiresIn, 86400) * seconds(time.Second))
		t.expires = asked.Add(life - min(tokenMargin, life/2))
	}
	return t, nil
}

// broken says of a host's answer that nothing can be made of it.
func (s *Session) broken(host, problem string) error {
	return &wire.ProtocolError{Host: host, Subject: s.name, Problem: problem}
}

// seconds is a number of them, which some token services write as a string or as
// a decimal. What is not a number is 0.
type seconds float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *seconds) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	if err != nil || math.IsNaN(f) {
		f = 0
	}
	*n = seconds(f)
	return nil
}

// granted reads which scopes a token is for, if it is a JWT that says so
// (https://distribution.github.io/distribution/spec/auth/jwt/). It is not
// verified: that is the registry's to do, and a lie costs one request.
func granted(value string) []string {
	parts := strings.Split(value, ".")
	if len(parts) != 3 {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	var claims struct {
		Access *[]struct {
			Type    string   `json:"type"`
			Name    string   `json:"name"`
			Actions []string `json:"actions"`
		} `json:"access"`
	}
	if json.Unmarshal(raw, &claims) != nil || claims.Access == nil {
		return nil
	}
	scopes := []string{}
	for _, a := range *claims.Access {
		if len(a.Actions) > 0 {
			scopes = append(scopes, a.Type+":"+a.Name+":"+strings.Join(a.Actions, ","))
		}
	}
	if scopes = auth.CleanScopes(scopes); scopes == nil {
		scopes = []string{} // granted, but nothing
	}
	return scopes
}
