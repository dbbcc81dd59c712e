package auth

import (
	"fmt"
	"net/http"
	"testing"
)

func TestChallenges(t *testing.T) {
	for header, want := range map[string]string{
		`Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push c"`: `[{bearer https://auth.docker.io/token registry.docker.io [repository:a/b:pull,push c]}]`,
		`Basic realm="a \"b\" c", charset="UTF-8"`:                           `[{basic a "b" c  []}]`,
		`Negotiate, Basic realm=x`:                                           `[{negotiate   []} {basic x  []}]`,
		`Negotiate YIIabc==, Bearer realm=https://h/t,error="invalid_token"`: `[{negotiate   []} {bearer https://h/t  []}]`,
		`bearer  Realm = "r" ,  SERVICE=s`:                                   `[{bearer r s []}]`,
		``:                                                                   `[]`,
		`realm="x"`:                                                          `[]`,
		`Bearer realm="unclosed`:                                             `[{bearer   []}]`,
	} {
		if got := fmt.Sprint(parseChallenges(header)); got != want {
			t.Errorf("%s\n got %s\nwant %s", header, got, want)
		}
	}
	both := http.Header{"Www-Authenticate": {`Basic realm="b"`, `Bearer realm="t"`}}
	if ch, _ := readChallenge(both); ch.scheme != "bearer" || ch.realm != "t" {
		t.Errorf("of two: %+v", ch)
	}
}
