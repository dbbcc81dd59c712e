package main

import (
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/yaml"
)

// cmdSnippet: snippet DOC NAME FILE writes the code block below
// `<!-- example: NAME -->` in docs/DOC to FILE, so that a script runs what
// people read. Of a GitLab job it is the script.
func cmdSnippet(ts *testscript.TestScript, args []string) {
	text := example(ts, args[0], args[1])
	if args[1] == "gitlab" {
		var jobs map[string]struct{ Script []string }
		ts.Check(yaml.Unmarshal([]byte(text), &jobs))
		text = ""
		for _, job := range jobs {
			text += strings.Join(job.Script, "\n")
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text+"\n"), 0o644))
}

// example gives the code block below `<!-- example: NAME -->` in docs/DOC.
func example(ts *testscript.TestScript, doc, name string) string {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", doc))
	ts.Check(err)
	_, rest, ok := strings.Cut(string(data), "<!-- example: "+name+" -->\n```")
	if !ok {
		ts.Fatalf("docs/%s: has no example %s", doc, name)
	}
	_, rest, _ = strings.Cut(rest, "\n")
	text, _, _ := strings.Cut(rest, "\n```")
	return text
}

// asKubectl starts the program as kubectl does, by its path.
const asKubectl = `exec 2>&1
kubectl() { shift 2; "$(command -v kubectl-schemahero-plugin)" "$@"; }
`

var drawnText = regexp.MustCompile(`<text [^>]*>(.*)</text>`)

// cmdTranscript: transcript DOC [NAME] runs the commands of an example, or of a
// picture of a terminal, and compares what they print with what stands there.
// Lines that say what is being fetched do not count. `-update` writes examples
// again; pictures are drawn by `make demo`.
func cmdTranscript(ts *testscript.TestScript, args []string) {
	var lines []string
	if len(args) == 2 {
		lines = strings.Split(example(ts, args[0], args[1]), "\n")
	} else {
		data, err := os.ReadFile(filepath.Join("..", "..", "docs", args[0]))
		ts.Check(err)
		for _, m := range drawnText.FindAllStringSubmatch(string(data), -1) {
			lines = append(lines, html.UnescapeString(m[1]))
		}
	}
	ran := false
	for i, line := range lines {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		ran = true
		var want, got []string
		for _, next := range lines[i+1:] {
			if strings.HasPrefix(next, "$ ") {
				break
			}
			want = append(want, next)
		}
		_ = ts.Exec("sh", "-c", asKubectl+command) // what it prints says whether it fails
		for next := range strings.Lines(ts.ReadFile("stdout")) {
			if !strings.HasPrefix(next, "fetching ") {
				got = append(got, strings.TrimRight(next, "\n"))
			}
		}
		if slices.Equal(got, want) {
			continue
		}
		if *update && len(args) == 2 {
			path := filepath.Join("..", "..", "docs", args[0])
			data, err := os.ReadFile(path)
			ts.Check(err)
			was, is := strings.Join(lines[i:i+1+len(want)], "\n"), strings.Join(append([]string{line}, got...), "\n")
			ts.Check(os.WriteFile(path, []byte(strings.Replace(string(data), was, is, 1)), 0o644))
			continue
		}
		ts.Fatalf("docs/%s: %s prints\n%s\nand not\n%s", args[0], command, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !ran {
		ts.Fatalf("docs/%s: no command in it", args[0])
	}
}

// A link between documents leads to a file, and to a heading in it.
func TestDocumentLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]*)(?:#([^)\s]*))?\)`)
	title := regexp.MustCompile(`(?m)^#+ (.*)$`)
	other := regexp.MustCompile(`[^a-z0-9 _-]`)
	root := filepath.Join("..", "..")
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range append(docs, filepath.Join(root, "README.md")) {
		data, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			path := filepath.Join(filepath.Dir(doc), filepath.FromSlash(m[1]))
			if m[1] == "" {
				path = doc
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %s: %v", doc, m[0], err)
				continue
			}
			if m[2] == "" {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Errorf("%s: %s: %v", doc, m[0], err)
				continue
			}
			found := false
			for _, h := range title.FindAllStringSubmatch(string(text), -1) {
				slug := strings.ReplaceAll(other.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")
				found = found || slug == m[2]
			}
			if !found {
				t.Errorf("%s: %s: no such heading", doc, m[0])
			}
		}
	}
}
