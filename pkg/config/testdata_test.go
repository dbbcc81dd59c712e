package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

const testdata = "../../testdata/config"

// TestFiles parses every config of testdata. Each "# ERROR: [COLUMN: ]TEXT" at
// the end of a line asks for one problem on that line, in their order, and there
// must be no other; a file without any must be valid.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob(testdata + "/*.toml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Parse(file, data)
			if bad := strings.HasPrefix(filepath.Base(file), "bad"); bad != (err != nil) || bad != (c == nil) {
				t.Errorf("error: %v", err)
			}
			compareProblems(t, data, err)
		})
	}
}

func compareProblems(t *testing.T, data []byte, err error) {
	t.Helper()
	got := map[int][]diag.Problem{}
	if e := new(diag.Error); errors.As(err, &e) {
		for _, p := range e.Problems {
			got[p.Line] = append(got[p.Line], p)
		}
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		want := strings.Split(string(line), "# ERROR: ")[1:]
		have := got[i+1]
		for j := range max(len(want), len(have)) {
			switch {
			case j >= len(want):
				t.Errorf("unexpected: %v", have[j])
			case j >= len(have):
				t.Errorf("line %d: no error %q", i+1, want[j])
			default:
				text := strings.TrimSpace(want[j])
				if column, rest, ok := strings.Cut(text, ": "); ok {
					if n, err := strconv.Atoi(column); err == nil {
						text = rest
						if have[j].Column != n {
							t.Errorf("%v: want column %d", have[j], n)
						}
					}
				}
				if !strings.Contains(have[j].Text, text) {
					t.Errorf("%v\n want %q", have[j], text)
				}
			}
		}
	}
}
