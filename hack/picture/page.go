package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	budgetOf = regexp.MustCompile(` *\([^)]*?([0-9.]+)\)$`)
	heading  = regexp.MustCompile(`^##+ (.*)$`)
)

// ratios gives each column of a page's tables whose name has a "/", which is how
// the benchmark writes a ratio, and "(budget N)" behind it.
func ratios(page string) []group {
	var out []group
	title := ""
	var table [][]string
	flush := func() {
		if len(table) > 2 {
			out = append(out, columns(title, table[0], table[2:])...)
		}
		table = nil
	}
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "|") {
			table = append(table, cells(line))
			continue
		}
		flush()
		if m := heading.FindStringSubmatch(line); m != nil {
			title, _, _ = strings.Cut(m[1], ":")
		}
	}
	flush()
	return out
}

func cells(line string) []string {
	all := strings.Split(strings.Trim(line, "|"), "|")
	for i := range all {
		all[i] = strings.ReplaceAll(strings.TrimSpace(all[i]), "`", "")
	}
	return all
}

func columns(title string, header []string, rows [][]string) []group {
	var out []group
	for i, name := range header {
		if !strings.Contains(name, "/") {
			continue
		}
		what := budgetOf.ReplaceAllString(name, "")
		if strings.HasPrefix(what, "/") {
			what = "time " + what
		}
		g := group{title: title + ": " + what}
		if m := budgetOf.FindStringSubmatch(name); m != nil {
			g.budget, _ = strconv.ParseFloat(m[1], 64)
		}
		for _, row := range rows {
			if i >= len(row) {
				continue
			}
			if v, err := strconv.ParseFloat(row[i], 64); err == nil {
				g.bars = append(g.bars, bar{row[0], v})
			}
		}
		if len(g.bars) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// withRun gives the page with the tables of a run of the benchmark in place of
// those below the same headings, and with what it ran on.
func withRun(page, measured string) (string, error) {
	tables := map[string][]string{}
	var title, machine string
	for line := range strings.Lines(measured) {
		line = strings.TrimRight(line, "\n")
		switch m := heading.FindStringSubmatch(line); {
		case m != nil:
			title = m[1]
		case strings.HasPrefix(line, "|"):
			tables[title] = append(tables[title], line)
		case machine == "":
			machine = line
		}
	}
	var out []string
	title = ""
	for line := range strings.SplitSeq(page, "\n") {
		if m := heading.FindStringSubmatch(line); m != nil {
			title = m[1]
		}
		table, measured := tables[title]
		switch {
		case strings.HasPrefix(line, shown):
			line = shown + machine
		case strings.HasPrefix(line, "|") && measured:
			out = append(out, table...)
			tables[title] = nil // the rest of the old one goes
			continue
		}
		out = append(out, line)
	}
	for title, table := range tables {
		if table != nil {
			return "", fmt.Errorf("the page has no table below %q", title)
		}
	}
	return strings.Join(out, "\n"), nil
}

// shown begins the line of the page that says what the run was made on.
const shown = "The run shown here: "
