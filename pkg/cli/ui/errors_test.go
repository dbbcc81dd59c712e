package ui

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTell(t *testing.T) {
	told := Told{Kind: "usage", Code: 2, Message: "a: 100%\nb\r", File: "x,y:z%/m.toml", Line: 3, Column: 7, Hint: "run a\nor b"}
	plain := told
	plain.File = "x,y%/m.toml" // a name that Windows has too
	for _, c := range []struct {
		form, workspace string
		told            Told
		want            string
	}{
		{"github", "", told, "::error file=x%2Cy%3Az%25/m.toml,line=3,col=7::a: 100%25%0Ab%0D%0Ahint: run a%0Ahint: or b\n"},
		{"github", "/src", plain, "::error file=sub/x%2Cy%25/m.toml,line=3,col=7::a: 100%25%0Ab%0D%0Ahint: run a%0Ahint: or b\n"},
		{"github", "/elsewhere", Told{Message: "m", File: "/src/sub/m.lock"}, "::error file=/src/sub/m.lock::m\n"},
		{"github", "/src/", Told{Message: "m", File: "/src/sub/m.lock"}, "::error file=sub/m.lock::m\n"},
		{"github", "/src", Told{Message: "::error file=forged::\u001b[2J"}, "::error::::error file=forged::\\u001b[2J\n"},
		{"json", "", Told{Kind: "failure", Code: 1, Message: "<a>"}, `{"kind":"failure","code":1,"message":"<a>","file":"","line":0,"column":0,"hint":""}` + "\n"},
		{"json", "", told, `{"kind":"usage","code":2,"message":"a: 100%\nb\r","file":"x,y:z%/m.toml","line":3,"column":7,"hint":"run a\nor b"}` + "\n"},
	} {
		u, _, err := newTest("")
		u.Errors, u.Dir = c.form, "/src/sub"
		u.env = func(key string) (string, bool) { return c.workspace, key == "GITHUB_WORKSPACE" && c.workspace != "" }
		u.Tell(c.told)
		if err.String() != c.want {
			t.Errorf("got  %swant %s", err, c.want)
		}
	}
}

// What a terminal could take for a command is escaped, and means the same to a
// program.
func TestTellJSONIsWhole(t *testing.T) {
	u, _, err := newTest("")
	u.Errors = "json"
	u.Tell(Told{Message: hostile + "\u2028\u202e\u0085\n"})
	var got Told
	if e := json.Unmarshal(err.Bytes(), &got); e != nil || got.Message != strings.ToValidUTF8(hostile, "\ufffd")+"\u2028\u202e\u0085\n" {
		t.Errorf("%v: %q", e, got.Message)
	}
}
