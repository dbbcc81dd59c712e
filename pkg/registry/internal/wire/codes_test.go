package wire

import (
	"strings"
	"testing"
)

func TestReadCodes(t *testing.T) {
	for body, want := range map[string]string{
		`{"errors":[{"code":"DENIED","message":"quota is used up","detail":null}]}`:                "DENIED: quota is used up",
		`{"errors":[{"code":"DENIED","message":"no","detail":"ask ann"}]}`:                         "DENIED: no (ask ann)",
		`{"errors":[{"code":"DENIED","message":"no","detail":[{"Type":"repository"}]}]}`:           "DENIED: no",
		`{"errors":[{"status":403,"message":"no"},{"code":7}]}`:                                    "no|7",
		`{"errors":["plain words"]}`:                                                               "plain words",
		`{"errors":{"code":"X","message":"alone"}}`:                                                "X: alone",
		`{"errors":null,"message":"outside"}`:                                                      "outside",
		`{"error":"invalid_grant","error_description":"too old"}`:                                  "invalid_grant: too old",
		`{"error":{"code":403,"message":"billing is off","status":"PERMISSION_DENIED"}}`:           "403: billing is off",
		`{"error":"the plan is used up"}`:                                                          "the plan is used up",
		`{"type":"about:blank","title":"Forbidden","status":403,"detail":"ask ann"}`:               "ask ann",
		`{"reason":"the key was revoked"}`:                                                         "the key was revoked",
		"\ufeff" + `{"message":"with a mark"}`:                                                     "with a mark",
		`{"details":"incorrect username or password"}`:                                             "incorrect username or password",
		`<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Too late</Message></Error>`: "AccessDenied: Too late",
		`<html><body>Sign in</body></html>`:                                                        "",
		"the account is locked\nsince today":                                                       "the account is locked",
		`{"errors":[]}`:                                                                            "",
		`{"errors":[{}]}`:                                                                          "",
		`{`:                                                                                        "",
		"":                                                                                         "",
	} {
		var got []string
		for _, c := range ReadCodes(strings.NewReader(body)) {
			got = append(got, c.String())
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// What is told of a refusal says more than its status, and a sentence in place of a
// code is such.
func TestSaid(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":"the plan is used up"}`:             "; the registry says the plan is used up",
		`{"error":"forbidden"}`:                       "",
		`{"errors":[{"code":"DENIED"}]}`:              "",
		`{"error":{"code":403,"message":"no quota"}}`: "; the registry says 403: no quota",
	} {
		if got := said(ReadCodes(strings.NewReader(body))); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
