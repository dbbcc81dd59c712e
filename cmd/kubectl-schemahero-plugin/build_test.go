package main

import (
	"errors"
	"os/exec"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// goCache is where compiled packages are kept. Scripts that build drivers have
// a home of their own, in which the standard library would be compiled again.
var goCache = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	return strings.TrimSpace(string(out)), err
})

// setGo lets a script build Go programs without a network. A script that does so
// needs [exec:go].
func setGo(env *testscript.Env) error {
	cache, err := goCache()
	if errors.Is(err, exec.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for key, value := range map[string]string{"GOCACHE": cache, "GOFLAGS": "", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOWORK": "off"} {
		env.Setenv(key, value)
	}
	return nil
}
