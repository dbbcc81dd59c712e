package artifact

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/opencontainers/go-digest"
)

func TestNotCounted(t *testing.T) {
	unread := Withdrawal{Refused: errors.New("more than 100")}
	unsigned := Withdrawal{Manifest: "sha256:a", Refused: errors.New("has no signature")}
	const one, other = "a withdrawal is not counted: sha256:a: has no signature", "whether it was withdrawn is not known: more than 100"
	for _, c := range []struct {
		all  []Withdrawal
		want []string
	}{
		{[]Withdrawal{unread, unsigned}, []string{one, other}},
		{[]Withdrawal{unread, unsigned, {Manifest: "sha256:b"}}, []string{one}}, // which says enough
	} {
		if got := NotCounted(c.all); !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.all, got, c.want)
		}
	}
	many := make([]Withdrawal, 100)
	for i := range many {
		many[i] = Withdrawal{Manifest: digest.Digest(fmt.Sprintf("sha256:%03d", i)), Refused: unsigned.Refused}
	}
	if got := NotCounted(many); len(got) != 11 || got[10] != "and 90 more" {
		t.Errorf("of a hundred: %q", got)
	}
}
