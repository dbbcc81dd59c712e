package ui

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// MaxAnswer is how many bytes of an answer are read.
const MaxAnswer = 64 << 10

// Asks reports whether standard input is a terminal, so that somebody can answer.
func (u *UI) Asks() bool { return isTerminal(u.In) }

// Ask reads a line that the person at the terminal types.
func (u *UI) Ask(prompt string) (string, error) {
	fmt.Fprint(u.rawErr, Escape(prompt))
	line, err := bufio.NewReader(io.LimitReader(u.In, MaxAnswer)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSpace(line), nil
}

// AskSecret is Ask without showing what is typed.
func (u *UI) AskSecret(prompt string) ([]byte, error) {
	fmt.Fprint(u.rawErr, Escape(prompt))
	secret, err := term.ReadPassword(int(u.In.(*os.File).Fd()))
	fmt.Fprintln(u.rawErr)
	if err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	return secret, nil
}
