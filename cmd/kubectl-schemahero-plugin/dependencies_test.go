package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dependency is a row of docs/dependencies.md.
type dependency struct {
	module string
	where  []string // packages, or folders of modules of their own
	others bool     // more packages than are named import it
}

// documented reads the rows of the table below a heading.
func documented(t *testing.T, text, heading string) (rows []dependency) {
	t.Helper()
	_, rest, ok := strings.Cut(text, "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/dependencies.md: has no heading %q", heading)
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	names := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		d := dependency{module: names.FindStringSubmatch(cells[1])[1], others: strings.Contains(cells[2], "and others")}
		for _, name := range names.FindAllStringSubmatch(cells[2], -1) {
			d.where = append(d.where, name[1])
		}
		if strings.TrimSpace(cells[3]) == "" {
			t.Errorf("docs/dependencies.md: %s: has no reason", d.module)
		}
		rows = append(rows, d)
	}
	return rows
}

// required returns the modules that a folder's go.mod asks for, directly or as
// a tool.
func required(t *testing.T, folder string) (modules []string) {
	t.Helper()
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = folder
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: go mod edit: %v", folder, err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Tool []struct{ Path string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		tool := false
		for _, x := range mod.Tool {
			tool = tool || within(x.Path, r.Path)
		}
		if (!r.Indirect || tool) && !within(r.Path, strings.TrimSuffix(module, "/")) {
			modules = append(modules, r.Path)
		}
	}
	return modules
}

// within reports whether an import path or module lies in a module.
func within(path, module string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// importers returns the rows of the packages that import a module, on any system.
func importers(systems [][]pkg, module string, imports func(pkg) []string) (names []string) {
	for _, packages := range systems {
		for _, p := range packages {
			if slices.ContainsFunc(imports(p), func(path string) bool { return within(path, module) }) {
				names = append(names, p.row())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestDependencies(t *testing.T) {
	var systems [][]pkg
	for _, goos := range []string{"linux", "darwin", "windows"} {
		systems = append(systems, list(t, goos))
	}
	root := strings.TrimSuffix(systems[0][0].Dir, filepath.FromSlash(systems[0][0].name()))
	data, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	linked := documented(t, string(data), "Linked into the program")
	tools := documented(t, string(data), "Only for tests and tools")
	program := required(t, root)
	for _, d := range slices.Concat(linked, tools) {
		if n := len(slices.DeleteFunc(slices.Concat(linked, tools), func(o dependency) bool { return o.module != d.module })); n != 1 {
			t.Errorf("%s: has %d rows", d.module, n)
		}
	}
	for _, d := range linked {
		if !slices.Contains(program, d.module) {
			t.Errorf("%s: has a row, and go.mod does not ask for it", d.module)
		}
		checkImporters(t, d, d.where, importers(systems, d.module, pkg.linked))
	}
	has := func(rows []dependency, module string) bool {
		return slices.ContainsFunc(rows, func(d dependency) bool { return d.module == module })
	}
	for _, module := range program {
		if !has(linked, module) && !has(tools, module) {
			t.Errorf("%s: go.mod asks for it, and it has no row", module)
		}
	}
	nested, err := exec.Command("git", "-C", root, "ls-files", "*/go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string][]string{}
	for file := range strings.FieldsSeq(string(nested)) {
		folder := strings.TrimSuffix(file, "/go.mod")
		folders[folder] = required(t, filepath.Join(root, folder))
		for _, module := range folders[folder] {
			at := slices.IndexFunc(tools, func(d dependency) bool { return d.module == module })
			if !has(linked, module) && (at < 0 || !slices.Contains(tools[at].where, folder)) {
				t.Errorf("%s: %s asks for it, and no row says so", module, file)
			}
		}
	}
	for _, d := range tools {
		var packages []string
		for _, where := range d.where {
			modules, isModule := folders[where]
			if !isModule {
				packages = append(packages, where)
			} else if !slices.Contains(modules, d.module) {
				t.Errorf("%s: its row names %s, which does not ask for it", d.module, where)
			}
		}
		if slices.Contains(program, d.module) || len(packages) > 0 {
			checkImporters(t, d, packages, importers(systems, d.module, pkg.tests))
		}
		if users := importers(systems, d.module, pkg.linked); len(users) > 0 {
			t.Errorf("%s: is linked into the program by %s", d.module, strings.Join(users, ", "))
		}
	}
}

func checkImporters(t *testing.T, d dependency, named, users []string) {
	t.Helper()
	for _, name := range named {
		if !slices.Contains(users, name) {
			t.Errorf("%s: its row names %s, which does not import it", d.module, name)
		}
	}
	for _, user := range users {
		if !d.others && !slices.Contains(named, user) {
			t.Errorf("%s: its row does not name %s, which imports it", d.module, user)
		}
	}
}
