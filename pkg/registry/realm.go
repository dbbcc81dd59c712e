package registry

import (
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
)

// fetchToken asks the realm that the registry named, with a GET
// (https://distribution.github.io/distribution/spec/auth/token/) or, for an
// identity token, a POST (…/spec/auth/oauth/).
func (c *Client) fetchToken(ctx context.Context, r *request, cred credential, n need, scopes []string) (*token, error) {
	ch := n.challenge
	realm, err := c.realm(r.ep, cred, n)
	if err != nil {
		return nil, err
	}
	tr := &request{
		ep: r.ep, kind: KindToken, method: http.MethodGet, absolute: realm,
		name: r.name, reference: r.reference, header: http.Header{"Accept": {"application/json"}},
	}
	form := url.Values{}
	if ch.service != "" {
		form.Set("service", ch.service)
	}
	if cred.identity != "" {
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", cred.identity)
		form.Set("client_id", defaultUserAgent)
		form.Set("scope", strings.Join(scopes, " "))
		body := form.Encode()
		tr.method, tr.size = http.MethodPost, int64(len(body))
		tr.body = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
		tr.header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		form["scope"] = scopes
		query := form.Encode()
		if realm.RawQuery != "" {
			query = realm.RawQuery + "&" + query
		}
		realm.RawQuery = query
		if cred.username != "" || cred.password != "" {
			tr.header.Set("Authorization", "Basic "+basic(cred.username, cred.password))
		}
	}
	asked := c.now()
	var t *token
	a := attempts{start: asked}
	for {
		t, err = c.askRealm(context.WithValue(ctx, noRedirect{}, true), tr, cred)
		if err == nil {
			break
		}
		if err = c.pause(ctx, &a, realm.Host, r.what(), err); err != nil {
			return nil, err
		}
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
// only where the registry itself is asked so, to its own host; a token for
// everybody is taken from wherever plain HTTP may be spoken. A registry behind a
// proxy that speaks TLS for it can write http for itself: that is asked as the
// registry is.
func (c *Client) realm(ep *endpoint, cred credential, n need) (*url.URL, error) {
	realm, err := url.Parse(n.challenge.realm)
	if err != nil || realm.Host == "" {
		return nil, &ProtocolError{ep.name, ep.name, "names no token service that is a URL"}
	}
	realm.User = nil
	at := hostOf(ep.name)
	if is := leadsInward(at, realm.Host); is != "" {
		return nil, &ProtocolError{ep.name, ep.name, "names a token service at " + place(realm) + ", which is " + is}
	}
	own := hostname(realm.Host) == hostname(at)
	asked := &url.URL{Scheme: n.over, Host: at}
	if realm.Scheme == "http" && n.over == "https" && own {
		if port := realm.Port(); port == "" || port == "80" || port == asked.Port() {
			realm.Scheme, realm.Host = asked.Scheme, asked.Host
		}
	}
	switch {
	case realm.Scheme == "https":
	case realm.Scheme == "http" && isLoopback(at) && isLoopback(realm.Host):
	case realm.Scheme == "http" && own && n.over == "http":
	case realm.Scheme == "http" && cred.empty() && c.web.plainAllowed(realm):
	default:
		return nil, &ProtocolError{ep.name, ep.name, "names a token service at " + realm.Scheme + "://" + realm.Host + ", which is not HTTPS"}
	}
	return realm, nil
}

func (c *Client) askRealm(ctx context.Context, tr *request, cred credential) (*token, error) {
	asked := c.now()
	req, err := tr.build(ctx, tr.absolute.Scheme)
	if err != nil {
		return nil, err
	}
	resp, err := c.exchange(tr, tr.absolute.Scheme, req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		denied := &AuthError{
			Registry: tr.ep.name, Repository: tr.name, Cause: AuthWrong, Codes: readCodes(resp.Body),
			Username: cred.username, Source: cred.source, Helper: cred.helper,
		}
		if cred.empty() {
			denied.Cause = AuthMissing
		} else if resp.StatusCode == http.StatusForbidden {
			denied.Cause = AuthInsufficient
		}
		return nil, denied
	case resp.StatusCode == http.StatusBadRequest && cred.identity != "":
		// invalid_grant: the identity token has expired (RFC 6749, 5.2).
		return nil, &AuthError{Registry: tr.ep.name, Repository: tr.name, Cause: AuthWrong, Source: cred.source, Codes: readCodes(resp.Body)}
	case resp.StatusCode >= 400:
		return nil, c.failure(tr, resp)
	}
	var answer struct {
		Token     string  `json:"token"`
		Access    string  `json:"access_token"`
		ExpiresIn seconds `json:"expires_in"`
	}
	if err := decode(resp.Body, maxTokenAnswer, &answer); err != nil {
		return nil, protocol(err, tr.absolute.Host, tr.ep.name, "the token service's answer does not parse")
	}
	t := &token{value: answer.Token, scopes: granted(answer.Token)}
	if t.value == "" {
		t.value, t.scopes = answer.Access, granted(answer.Access)
	}
	if t.value == "" || strings.ContainsAny(t.value, "\r\n") {
		return nil, &ProtocolError{tr.absolute.Host, tr.ep.name, "the token service's answer holds no token"}
	}
	if answer.ExpiresIn > 0 {
		life := time.Duration(min(answer.ExpiresIn, 86400) * seconds(time.Second))
		t.expires = asked.Add(life - min(tokenMargin, life/2))
	}
	return t, nil
}

// seconds is a number of them, which some token services write as a string or as
// a decimal. What is no number is 0.
type seconds float64

// UnmarshalJSON implements json.Unmarshaler.
func (s *seconds) UnmarshalJSON(data []byte) error {
	n, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	if err != nil || math.IsNaN(n) {
		n = 0
	}
	*s = seconds(n)
	return nil
}

// granted reads which scopes a token is for, where it is a JWT that says so
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
