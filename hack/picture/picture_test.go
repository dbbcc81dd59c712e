package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"strings"
	"testing"
)

// The bars are those of the page's tables: a page with new figures and old bars
// fails here.
func TestBarsAreCurrent(t *testing.T) {
	var want bytes.Buffer
	if err := run([]string{"bars", "../../docs/performance.md"}, nil, &want); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../../docs/performance.svg"); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("docs/performance.svg: is not what docs/performance.md says (%v); run `make pictures`", err)
	}
}

const page = "# P\n\nThe run shown here: old.\nMore.\n\n## Cold: x\n\nText.\n\n| drivers | sync | sync / floor (budget 1.2) |\n| --- | --- | --- |\n| 1 | 2 ms | 0.50 |\n\n## Other\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"

func TestRatios(t *testing.T) {
	got := ratios(page)
	if len(got) != 1 || got[0].title != "Cold: sync / floor" || got[0].budget != 1.2 || len(got[0].bars) != 1 || got[0].bars[0] != (bar{"1", 0.5}) {
		t.Errorf("%+v", got)
	}
}

func TestRunInPage(t *testing.T) {
	got, err := withRun(page, "4 processors.\n\n### Cold: x\n\n| drivers | sync / floor |\n| --- | --- |\n| 1 | 0.75 |\n| 2 | 0.8 |\n")
	want := strings.NewReplacer("old.", "4 processors.",
		"| drivers | sync | sync / floor (budget 1.2) |\n| --- | --- | --- |\n| 1 | 2 ms | 0.50 |", "| drivers | sync / floor |\n| --- | --- |\n| 1 | 0.75 |\n| 2 | 0.8 |").Replace(page)
	if err != nil || got != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, got, want)
	}
	if _, err := withRun(page, "### New\n| a |\n"); err == nil {
		t.Error("a table that the page has no place for is lost")
	}
}

func TestSVGParses(t *testing.T) {
	for _, svg := range []string{terminal("$ a <b> & c\n\n# note\nerror: x\n"), bars([]group{{"a < b", 1.5, []bar{{"x", 2}}}})} {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			_, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%v:\n%s", err, svg)
			}
		}
	}
}
