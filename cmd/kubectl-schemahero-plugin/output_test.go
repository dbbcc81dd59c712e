package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// outputDoc gives the fields that docs/output.md names, by kind: path to type.
func outputDoc() (map[string]map[string]string, error) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "output.md"))
	if err != nil {
		return nil, err
	}
	row := regexp.MustCompile("^\\| `([^`]+)` \\| ([^|]+?) \\|")
	kinds := map[string]map[string]string{}
	kind := ""
	for line := range strings.SplitSeq(string(data), "\n") {
		if name, ok := strings.CutPrefix(line, "### "); ok {
			kind = name
			if kinds[kind] != nil {
				return nil, fmt.Errorf("docs/output.md: has two tables of %s", kind)
			}
			kinds[kind] = map[string]string{}
		}
		if m := row.FindStringSubmatch(line); m != nil && kind != "" {
			kinds[kind][m[1]] = m[2]
		}
	}
	return kinds, nil
}

// cmdDocumented: documented KIND holds the JSON on the last command's standard
// output against the table of KIND in docs/output.md: the same fields, of the
// same types.
func cmdDocumented(ts *testscript.TestScript, args []string) {
	kinds, err := outputDoc()
	ts.Check(err)
	fields, ok := kinds[args[0]]
	if !ok {
		ts.Fatalf("docs/output.md: has no kind %s", args[0])
	}
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &object))
	if object["kind"] != args[0] || object["apiVersion"] != "plugin.schemahero.io/v1" {
		ts.Fatalf("is a %v of %v", object["kind"], object["apiVersion"])
	}
	delete(object, "kind")
	delete(object, "apiVersion")
	seen := map[string]bool{}
	var problems []string
	walkFields("", object, fields, func(path, kind string) {
		seen[path] = true
		want, known := fields[path]
		want = strings.TrimSuffix(want, " ?")
		if !known {
			problems = append(problems, path+": is not in docs/output.md")
		} else if !fits(kind, want) {
			problems = append(problems, path+": is "+kind+", not "+want)
		}
	})
	for path, kind := range fields {
		if !seen[path] && !strings.HasSuffix(kind, " ?") {
			problems = append(problems, path+": is in docs/output.md only")
		}
	}
	if slices.Sort(problems); len(problems) > 0 {
		ts.Fatalf("%s", strings.Join(problems, "\n"))
	}
}

// fits: a list or map that is empty does not show what it would hold.
func fits(kind, want string) bool {
	list, isList := strings.CutPrefix(want, "list of ")
	switch {
	case kind == "empty list":
		return isList
	case kind == "list of object" && list == "items":
		return true
	case kind == "empty map":
		return strings.HasPrefix(want, "map of ")
	}
	return kind == want
}

// walkFields calls visit with the path and type of everything in v. It goes
// into an object of any list that the documentation goes into.
func walkFields(path string, v any, fields map[string]string, visit func(path, kind string)) {
	switch v := v.(type) {
	case map[string]any:
		if strings.HasPrefix(fields[path], "map of ") {
			kind := "empty map"
			for _, e := range v {
				kind = "map of " + typeOf(e)
			}
			visit(path, kind)
			return
		}
		for key, e := range v {
			walkFields(strings.TrimPrefix(path+"."+key, "."), e, fields, visit)
		}
	case []any:
		if _, leaf := fields[path]; leaf {
			kind := "empty list"
			for _, e := range v {
				kind = "list of " + typeOf(e)
			}
			visit(path, kind)
			return
		}
		for _, e := range v {
			walkFields(path+"[]", e, fields, visit)
		}
	default:
		visit(path, typeOf(v))
	}
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "bool"
	case map[string]any:
		return "object"
	}
	return "null"
}

// Every kind that the program prints has its table.
func TestEveryKindIsDocumented(t *testing.T) {
	kinds, err := outputDoc()
	if err != nil {
		t.Fatal(err)
	}
	made := regexp.MustCompile(`\b(?:List|Single)\("([A-Za-z]+)"`)
	found := 0
	err = filepath.WalkDir(filepath.Join("..", "..", "pkg", "cli"), func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		data, err := os.ReadFile(file)
		for _, m := range made.FindAllStringSubmatch(string(data), -1) {
			found++
			// A list of what another kind is has the fields of that.
			if _, ok := kinds[m[1]]; !ok && len(kinds[strings.TrimSuffix(m[1], "List")]) == 0 {
				t.Errorf("%s: prints %s, which docs/output.md does not describe", filepath.Base(file), m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 10 {
		t.Fatalf("found %d kinds", found)
	}
}
