package main

import "errors"

// replace cannot be done here.
func replace(string, []string, []string) error { return errors.ErrUnsupported }
