package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/yaml"
)

// top gives a file of the repository's root.
func top(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// cmdRepository: repository FILE NAME puts the path of a file of this
// repository into the environment variable NAME.
func cmdRepository(ts *testscript.TestScript, args []string) {
	path, err := filepath.Abs(filepath.Join("..", "..", filepath.FromSlash(args[0])))
	ts.Check(err)
	ts.Setenv(args[1], path)
}

// customManager is what the Renovate preset says of one kind of line.
type customManager struct {
	ManagerFilePatterns  []string `json:"managerFilePatterns"`
	MatchStringsStrategy string   `json:"matchStringsStrategy"`
	MatchStrings         []string `json:"matchStrings"`
	PackageNameTemplate  string   `json:"packageNameTemplate"`
}

// found gives "NAME CONSTRAINT PACKAGE" for what Renovate would find. Its
// regular expressions are RE2's, like Go's; what an outer one names, the inner
// ones know too.
func (m customManager) found(t *testing.T, text string) []string {
	t.Helper()
	recursive := m.MatchStringsStrategy == "recursive"
	if !recursive && len(m.MatchStrings) != 1 {
		t.Fatalf("%d regular expressions", len(m.MatchStrings))
	}
	var out []string
	var within func(text string, depth int, groups map[string]string)
	within = func(text string, depth int, groups map[string]string) {
		re := regexp.MustCompile(m.MatchStrings[depth])
		for _, match := range re.FindAllStringSubmatch(text, -1) {
			groups := maps.Clone(groups)
			for i, name := range re.SubexpNames() {
				groups[name] = match[i]
			}
			if depth+1 < len(m.MatchStrings) {
				within(match[0], depth+1, groups)
				continue
			}
			pkg := groups["packageName"]
			if m.PackageNameTemplate != "" {
				pkg = m.PackageNameTemplate
				for name, value := range groups {
					pkg = strings.ReplaceAll(pkg, "{{{"+name+"}}}", value)
				}
			}
			out = append(out, groups["depName"]+" "+groups["currentValue"]+" "+pkg)
		}
	}
	within(text, 0, map[string]string{})
	return out
}

func TestRenovatePreset(t *testing.T) {
	var preset struct {
		CustomManagers []customManager `json:"customManagers"`
	}
	if err := json.Unmarshal([]byte(top(t, "default.json")), &preset); err != nil {
		t.Fatal(err)
	}
	find := func(text string) []string {
		var all []string
		for _, m := range preset.CustomManagers {
			if !slices.Equal(m.ManagerFilePatterns, []string{`/(^|/)schemahero-plugins\.toml$/`}) {
				t.Errorf("looks into %v", m.ManagerFilePatterns)
			}
			all = append(all, m.found(t, text)...)
		}
		return all
	}
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"every form", top(t, "testdata/manifest/good-full.toml"), []string{
			"oracle >=1, <3 registry.internal/db/schemahero-oracle",
			"timescaledb ~0.1.0 ghcr.io/acme/schemahero/timescaledb",
		}},
		{"[plugins] first, comments, nothing behind", "[plugins] # ours\n\n# postgres = \"^9\"\npostgres   =   \"~0.1\"  # keep\nmysql=\"*\"", []string{
			"postgres ~0.1 docker.io/schemahero/plugin-postgres",
			"mysql * docker.io/schemahero/plugin-mysql",
		}},
		{"settings are no drivers", "registry = \"docker.io/x\"\nschemahero = \"0.25\"\n[plugins]\n[[trust]]\nscope = \"docker.io\"\n", nil},
		{"tags and digests stay", "[plugins]\nedge = { tag = \"nightly\", repository = \"ghcr.io/acme/edge\" }\n", nil},
		{"below the manifest's registry", "# ours\nregistry = \"ghcr.io/acme\" # here\nplatforms = [\n  \"linux/amd64\",\n]\n\n[plugins]\npostgres = '^0.1'\n  \"mysql\" = { prerelease = true, version = \"^1\" }\n", []string{
			"postgres ^0.1 ghcr.io/acme/postgres",
			"mysql ^1 ghcr.io/acme/mysql",
		}},
		{"with an alias", "[plugins]\npostgres = { version = \"^0.1\", aliases = [\"cockroachdb\"] }\nmysql = { aliases = [\"percona\"], version = \"^2\", prerelease = true }", []string{
			"postgres ^0.1 docker.io/schemahero/plugin-postgres",
			"mysql ^2 docker.io/schemahero/plugin-mysql",
		}},
		{"the place first", "[plugins]\noracle = { repository = \"r.internal:5000/db/oracle\", version = \"^1\" }\nedge = { registry = 'ghcr.io/acme', prerelease = true, version = '~2' }\n", []string{
			"oracle ^1 r.internal:5000/db/oracle",
			"edge ~2 ghcr.io/acme/edge",
		}},
		{"several registries, or one with {name}: nobody knows which has it", "registry = [\"a.example/x\", \"b.example/x\"]\n[plugins]\npostgres = \"^0.1\"\n", nil},
		{"a template", "registry = \"a.example/{name}/x\"\n[plugins]\npostgres = \"^0.1\"\n", nil},
		{"an indented registry", "  registry = \"a.example/x\"\n[plugins]\npostgres = \"^0.1\"\n", nil},
		{"a quoted registry", "\"registry\" = \"a.example/x\"\n[plugins]\npostgres = \"^0.1\"\n", nil},
		{"a layout", "registry = \"oci-layout:vendor\"\n[plugins]\npostgres = \"^0.1\"\n", nil},
	} {
		if got := find(test.text); !slices.Equal(got, test.want) {
			t.Errorf("%s: found\n%s\nwant\n%s", test.name, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
	}
}

func TestPreCommitHook(t *testing.T) {
	var hooks []struct{ ID, Entry, Files, Language string }
	if err := yaml.Unmarshal([]byte(top(t, ".pre-commit-hooks.yaml")), &hooks); err != nil {
		t.Fatal(err)
	}
	if len(hooks) != 1 || hooks[0].Language != "golang" {
		t.Fatalf("%+v", hooks)
	}
	words := strings.Fields(hooks[0].Entry)
	top(t, "cmd/"+words[0]+"/main.go") // what go install makes of this repository
	understands(t, words[1:])
	files := regexp.MustCompile(hooks[0].Files)
	for name, want := range map[string]bool{"schemahero-plugins.toml": true, "schemahero-plugins.lock": true, "other.lock": false, "schemahero-plugins.toml.orig": false} {
		if files.MatchString(name) != want {
			t.Errorf("%s: matches %v", name, !want)
		}
	}
	if !strings.Contains(top(t, "docs/ci.md"), "id: "+hooks[0].ID+"\n") {
		t.Error("docs/ci.md names another hook")
	}
}

// understands fails where words are no command line of the program.
func understands(t *testing.T, words []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append(slices.Clone(words), "--help")...)
	cmd.Args[0] = "plugin" // see TestMain
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", words, err, out)
	}
}

// No docker is needed for this: it reads what a build would do.
func TestDockerfile(t *testing.T) {
	text := strings.ReplaceAll(top(t, "Dockerfile"), "\\\n", " ")
	var stages [][]string
	last := map[string]string{} // of the last stage
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, ok := strings.Cut(line, " ")
		if !ok || !slices.Contains([]string{"FROM", "WORKDIR", "COPY", "RUN", "ARG", "USER", "ENV", "ENTRYPOINT", "CMD"}, word) {
			t.Errorf("%q: is not an instruction", line)
		}
		if word == "FROM" {
			stages = append(stages, nil)
			clear(last)
		}
		stages[len(stages)-1] = append(stages[len(stages)-1], line)
		last[word] = rest
		if words := strings.Fields(rest); word == "COPY" && !strings.HasPrefix(rest, "--from=") && words[0] != "." {
			for _, source := range words[:len(words)-1] {
				top(t, source)
			}
		}
	}
	if len(stages) != 2 || last["FROM"] != "scratch" || last["USER"] != "1001:1001" || last["RUN"] != "" {
		t.Errorf("want a last stage from scratch for user 1001, that runs nothing: %v", last)
	}
	var entry, command []string
	for name, into := range map[string]*[]string{"ENTRYPOINT": &entry, "CMD": &command} {
		if err := json.Unmarshal([]byte(last[name]), into); err != nil {
			t.Errorf("%s %s: is not a JSON array, and there is no shell: %v", name, last[name], err)
		}
	}
	understands(t, command)
	build := strings.Join(stages[0], "\n")
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(top(t, "go.mod"))[1]
	for _, want := range []string{"golang:" + version + " AS build", "-o /image/root" + entry[0] + " ./cmd/kubectl-schemahero-plugin"} {
		if !strings.Contains(build, want) {
			t.Errorf("the build lacks %q", want)
		}
	}
}

// The shell scripts parse, and the action runs files that exist.
func TestActionRunsWhatThereIs(t *testing.T) {
	var action struct {
		Inputs  map[string]struct{ Description string }
		Outputs map[string]struct{ Value string }
		Runs    struct {
			Using string
			Steps []struct {
				ID, Run, Uses, Shell string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(top(t, "action.yml")), &action); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	script := regexp.MustCompile(`\$GITHUB_ACTION_PATH/([^"]+)"`)
	for _, step := range action.Runs.Steps {
		ids[step.ID] = true
		if step.Run == "" {
			continue
		}
		name := script.FindStringSubmatch(step.Run)
		if name == nil || step.Shell != "bash" {
			t.Errorf("runs %q in %q", step.Run, step.Shell)
			continue
		}
		file := filepath.Join("..", "..", name[1])
		if info, err := os.Stat(file); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s: cannot be run: %v", name[1], err)
		}
		if out, err := exec.Command("bash", "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name[1], err, out)
		}
	}
	from := regexp.MustCompile(`steps\.(\w+)\.outputs`)
	for name, output := range action.Outputs {
		if m := from.FindStringSubmatch(output.Value); m == nil || !ids[m[1]] {
			t.Errorf("output %s: is of no step: %s", name, output.Value)
		}
	}
	for name, input := range action.Inputs {
		if input.Description == "" || !strings.Contains(top(t, "action.yml"), "inputs."+name) {
			t.Errorf("input %s: is not described or not used", name)
		}
	}
}

// A tool against moving tags takes what others wrote by its commit, and says
// which release that is.
func TestActionsArePinned(t *testing.T) {
	uses := regexp.MustCompile(`uses: +(\S+)@(\S+)(?: +# (\S+))?`)
	pinned := regexp.MustCompile(`^[0-9a-f]{40}$`)
	files := []string{"action.yml", "README.md"}
	for _, folder := range []string{".github", "docs"} {
		err := fs.WalkDir(os.DirFS(filepath.Join("..", "..")), folder, func(file string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	of := map[string]string{} // action and release: commit
	for _, file := range files {
		for _, m := range uses.FindAllStringSubmatch(top(t, file), -1) {
			action, commit, release := m[1], m[2], m[3]
			if strings.HasPrefix(action, "schemahero/") {
				if !strings.HasPrefix(commit, "v") {
					t.Errorf("%s: %s@%s: want a release of this program", file, action, commit)
				}
				continue
			}
			if !pinned.MatchString(commit) || !strings.HasPrefix(release, "v") {
				t.Errorf("%s: %s@%s: want a commit, and its release in a comment", file, action, commit)
			}
			if before := of[action+release]; before != "" && before != commit {
				t.Errorf("%s: %s %s: is commit %s here and %s elsewhere", file, action, release, commit, before)
			}
			of[action+release] = commit
		}
	}
	if len(of) == 0 {
		t.Error("no action is used")
	}
}

// The linker says nothing of a variable that is not there: what the builds set
// with -X must be declared, and reach the program.
func TestBuildsSetWhatThereIs(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				for _, name := range s.(*ast.ValueSpec).Names {
					declared[name.Name] = true
				}
			}
		}
	}
	for _, from := range []string{"Makefile", "Dockerfile", "hack/release/release.go"} {
		set := regexp.MustCompile(`-X main\.(\w+)=`).FindAllStringSubmatch(top(t, from), -1)
		if len(set) < 2 {
			t.Errorf("%s: sets %v, want version and revision", from, set)
		}
		for _, s := range set {
			if !declared[s[1]] {
				t.Errorf("%s: sets %s, which main.go does not declare", from, s[1])
			}
		}
	}
	was := revision
	defer func() { revision = was }()
	revision = "c0ffee"
	if got := program().Revision; got != revision {
		t.Errorf("the program knows revision %q", got)
	}
}
