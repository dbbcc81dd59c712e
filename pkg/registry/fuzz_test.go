package registry

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func FuzzDecodeNames(f *testing.F) {
	f.Add(`{"name":"a","tags":["1","2"]}`)
	f.Add(`{"tags":null,"x":{"tags":[1]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := decodeNames(strings.NewReader(text), "tags")
		var want struct {
			Tags []string `json:"tags"`
		}
		// encoding/json is laxer: case, elements that are null, what follows.
		exact := strings.Count(text, `"tags"`) == 1 && strings.Count(strings.ToLower(text), "tags") == 1
		if err == nil && json.Unmarshal([]byte(text), &want) == nil && exact && !slices.Equal(got, want.Tags) {
			t.Errorf("%s: %q, want %q", text, got, want.Tags)
		}
	})
}

// A range that is taken is the one that was asked for.
func FuzzContentRange(f *testing.F) {
	f.Add("bytes 5-9/10")
	f.Add("bytes 5-9/*")
	f.Add("bytes 5-9")
	fits := regexp.MustCompile(`^bytes \+?0*5-\+?0*9/(\*|10)$`)
	f.Fuzz(func(t *testing.T, span string) {
		if rangeFits(span, 5, 10) && !fits.MatchString(span) {
			t.Errorf("%q fits", span)
		}
	})
}
