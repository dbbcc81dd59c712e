package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write docs/cli again")

// TestDocs holds docs/cli, a page for each command, against what the program
// says of itself. `make docs` writes it.
func TestDocs(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "cli")
	pages := pages(tree())
	if *update {
		writePages(t, dir, pages)
	}
	have, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range have {
		if _, ok := pages[filepath.Base(file)]; !ok {
			t.Errorf("%s: is of no command; run `make docs`", file)
		}
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("docs/cli/%s: is not current (%v); run `make docs`", name, err)
		}
	}
}

func writePages(t *testing.T, dir string, pages map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// pages gives the text of each file of docs/cli.
func pages(root *cobra.Command) map[string]string {
	var index strings.Builder
	fmt.Fprintf(&index, "# Commands\n\nWritten by `make docs` from the program's own help.\n")
	for _, g := range root.Groups() {
		fmt.Fprintf(&index, "\n## %s\n\n| command | does |\n| --- | --- |\n", strings.TrimSuffix(g.Title, ":"))
		for _, c := range commands(root) {
			if top(c).GroupID == g.ID {
				fmt.Fprintf(&index, "| [`%s`](%s) | %s |\n", shortPath(c), pageOf(c), cell(c.Short))
			}
		}
	}
	fmt.Fprintf(&index, "\n## Every command\n\n```\n%s```\n", root.PersistentFlags().FlagUsages())
	all := map[string]string{"README.md": index.String()}
	for _, c := range commands(root) {
		all[pageOf(c)] = page(c)
	}
	return all
}

func page(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n```\n%s\n```\n", shortPath(c), indented(c.Long), c.UseLine())
	if c.HasSubCommands() {
		b.WriteString("\n| command | does |\n| --- | --- |\n")
		for _, s := range commands(c) {
			fmt.Fprintf(&b, "| [`%s`](%s) | %s |\n", shortPath(s), pageOf(s), cell(s.Short))
		}
	}
	fmt.Fprintf(&b, "\n## Examples\n\n```sh\n%s\n```\n", dedent(c.Example))
	if flags := c.NonInheritedFlags().FlagUsages(); flags != "" {
		fmt.Fprintf(&b, "\n## Flags\n\n```\n%s```\n", flags)
	}
	b.WriteString("\nThe flags of [every command](README.md#every-command) apply too.\n")
	return b.String()
}

func top(c *cobra.Command) *cobra.Command {
	for c.Parent().HasParent() {
		c = c.Parent()
	}
	return c
}

func shortPath(c *cobra.Command) string { return strings.TrimPrefix(c.CommandPath(), called+" ") }

func pageOf(c *cobra.Command) string { return strings.ReplaceAll(shortPath(c), " ", "-") + ".md" }

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// indented puts runs of indented lines, which are lists and samples, into code
// blocks, so that Markdown leaves them alone.
func indented(s string) string {
	var out []string
	in := false
	for l := range strings.SplitSeq(s, "\n") {
		is := strings.HasPrefix(l, "  ") || in && l == ""
		if is != in {
			out = append(out, "```")
		}
		in = is
		out = append(out, strings.TrimPrefix(l, "  "))
	}
	if in {
		out = append(out, "```")
	}
	return strings.Join(out, "\n")
}

func dedent(s string) string {
	return strings.TrimPrefix(strings.ReplaceAll("\n"+s, "\n  ", "\n"), "\n")
}
