// Command picture draws the pictures of the documents, as SVG, from what
// programs printed: the same text gives the same bytes.
//
//	picture tour <TRANSCRIPT >FILE       a terminal
//	picture bars PAGE >FILE              the ratios in the tables of PAGE
//	picture page RUN PAGE                puts the tables of a benchmark's RUN into PAGE
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "tour":
		text, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, terminal(string(text)))
		return err
	case len(args) == 2 && args[0] == "bars":
		page, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, bars(ratios(string(page))))
		return err
	case len(args) == 3 && args[0] == "page":
		measured, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		page, err := os.ReadFile(args[2])
		if err != nil {
			return err
		}
		text, err := withRun(string(page), string(measured))
		if err != nil {
			return err
		}
		return os.WriteFile(args[2], []byte(text), 0o644)
	}
	return errors.New("usage: picture tour | bars PAGE | page RUN PAGE")
}
