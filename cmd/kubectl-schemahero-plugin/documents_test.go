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

// asKubectl starts the program as kubectl does, by its path; the documents also
// call it `plugin`, for short.
const asKubectl = `exec 2>&1
plugin() { "$(command -v kubectl-schemahero-plugin)" "$@"; }
kubectl() { shift 2; plugin "$@"; }
`

var (
	drawnText = regexp.MustCompile(`<text [^>]*>(.*)</text>`)
	working   = regexp.MustCompile(`^(fetching|building|sending) `)
)

// cmdTranscript: transcript DOC [NAME [HOST=REAL...]] runs the commands of an
// example, or of a picture of a terminal, and compares what they print with what
// stands there, in which … stands for anything. Lines that say what is being done do
// not count. `-update` writes examples again; pictures are drawn by `make demo`.
func cmdTranscript(ts *testscript.TestScript, args []string) {
	path := filepath.Join("..", "..", "docs", args[0])
	var lines, real, shown []string
	if len(args) > 1 {
		lines = strings.Split(example(ts, args[0], args[1]), "\n")
		for _, pair := range args[2:] {
			host, at, _ := strings.Cut(pair, "=")
			real, shown = append(real, host, at), append(shown, at, host)
		}
	} else {
		data, err := os.ReadFile(path)
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
		_ = ts.Exec("sh", "-c", asKubectl+strings.NewReplacer(real...).Replace(command)) // what it prints says whether it fails
		for next := range strings.Lines(strings.NewReplacer(shown...).Replace(ts.ReadFile("stdout"))) {
			if working.MatchString(next) {
				continue
			}
			next = strings.TrimRight(next, "\n")
			if n := len(got); n < len(want) && matches(want[n], next) {
				next = want[n]
			}
			got = append(got, next)
		}
		if slices.Equal(got, want) {
			continue
		}
		if *update && len(args) > 1 {
			data, err := os.ReadFile(path)
			ts.Check(err)
			was := strings.Join(slices.Concat(lines[i:i+1+len(want)], []string{""}), "\n")
			is := strings.Join(slices.Concat([]string{line}, got, []string{""}), "\n")
			ts.Check(os.WriteFile(path, []byte(strings.Replace(string(data), was, is, 1)), 0o644))
			continue
		}
		ts.Fatalf("docs/%s: %s prints\n%s\nand not\n%s", args[0], command, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !ran {
		ts.Fatalf("docs/%s: no command in it", args[0])
	}
}

// matches reports whether a line is what a document shows, where … stands for
// anything.
func matches(shown, line string) bool {
	parts := strings.Split(shown, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".+") + "$").MatchString(line)
}

// Every terminal that a document shows is an example, and a script runs it. What
// cannot be run here is of another language: sh, text.
func TestTerminalsRun(t *testing.T) {
	terminal := regexp.MustCompile("(?m)^(?:<!-- example: (.*) -->\n)?```console$")
	root := filepath.Join("..", "..")
	scripts, err := filepath.Glob(filepath.Join(root, "testdata", "script", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	for _, script := range scripts {
		data, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)transcript (\S+) (\S+)`).FindAllStringSubmatch(string(data), -1) {
			run[m[1]+" "+m[2]] = true
		}
	}
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range append(docs, filepath.Join(root, "README.md")) {
		data, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(filepath.Join(root, "docs"), doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range terminal.FindAllStringSubmatchIndex(string(data), -1) {
			example := ""
			if at[2] >= 0 {
				example = string(data[at[2]:at[3]])
			}
			if !run[filepath.ToSlash(name)+" "+example] {
				t.Errorf("%s:%d: no script runs this example %q", doc, 1+strings.Count(string(data[:at[0]]), "\n"), example)
			}
		}
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
