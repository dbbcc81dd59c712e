package hint

import "github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"

// ExitCode is the program's exit code for a kind of failure. Scripts rely on them.
func ExitCode(k fault.Kind) int {
	switch k {
	case fault.Usage:
		return 2
	case fault.Stale:
		return 3
	case fault.Unsatisfied:
		return 4
	case fault.Unreachable:
		return 5
	case fault.Denied:
		return 6
	case fault.Integrity:
		return 7
	}
	return 1
}
