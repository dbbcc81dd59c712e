// Package system is what systems disagree about and a program must not: which
// variable of the environment is which, which path is absolute, what an error number
// says, whether a process runs, what a console takes.
package system

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// Getenv returns the value of a variable in env, "" if it is not there; of several
// the last counts, as for os/exec.
func Getenv(env []string, key string) string { return getenv(runtime.GOOS, env, key) }

func getenv(goos string, env []string, key string) string {
	value := ""
	for _, e := range env {
		if k, v, ok := strings.Cut(e, "="); ok && sameVariable(goos, k, key) {
			value = v
		}
	}
	return value
}

// Unset returns env without some variables.
func Unset(env []string, keys ...string) []string { return unset(runtime.GOOS, env, keys) }

func unset(goos string, env, keys []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool {
		k, _, _ := strings.Cut(e, "=")
		return slices.ContainsFunc(keys, func(key string) bool { return sameVariable(goos, k, key) })
	})
}

// sameVariable compares names as the system does: Windows calls PATH Path.
func sameVariable(goos, x, y string) bool {
	return x == y || goos == "windows" && strings.EqualFold(x, y)
}

// HomeVariable is the variable that names a user's home folder.
func HomeVariable() string {
	if runtime.GOOS == "windows" {
		return "USERPROFILE"
	}
	return "HOME"
}

// Abs makes a path absolute, as seen from the absolute folder dir. Windows knows two
// more kinds than absolute and relative: \x is on dir's drive, and C:x is seen from
// dir if that is on C:, else from where the process is on C:.
func Abs(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	drive, here := filepath.VolumeName(path), filepath.VolumeName(dir)
	switch rest := path[len(drive):]; {
	case drive == "" && path != "" && os.IsPathSeparator(path[0]):
		return filepath.Clean(here + path)
	case drive == "", strings.EqualFold(drive, here):
		return filepath.Join(dir, rest)
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Join(dir, path)
}

// administrates reports whether a user or group of Windows, by its identifier, is the
// administrators, the system, or what installs updates
// (https://learn.microsoft.com/en-us/windows-server/identity/ad-ds/manage/understand-security-identifiers).
func administrates(sid string) bool {
	return sid == "S-1-5-32-544" || sid == "S-1-5-18" || sid == "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
}

// Is is errors.Is for an error number by its Unix name. Windows has others, and Go
// gives its own meaning only to those of files that are there or not.
func Is(err error, is syscall.Errno) bool { return isOn(runtime.GOOS, err, is) }

func isOn(goos string, err error, is syscall.Errno) bool {
	if errors.Is(err, is) {
		return true
	}
	return goos == "windows" && slices.ContainsFunc(numbers(is), func(n syscall.Errno) bool { return errors.Is(err, n) })
}

// numbers lists what Windows says in the place of a Unix number
// (https://learn.microsoft.com/en-us/windows/win32/debug/system-error-codes).
func numbers(is syscall.Errno) []syscall.Errno {
	switch is {
	case syscall.EACCES:
		return []syscall.Errno{5} // ACCESS_DENIED
	case syscall.EADDRNOTAVAIL:
		return []syscall.Errno{10049}
	case syscall.ECONNREFUSED:
		return []syscall.Errno{10061, 1225}
	case syscall.ECONNRESET:
		return []syscall.Errno{10054, 10053, 64, 1236} // reset, aborted, NETNAME_DELETED, CONNECTION_ABORTED
	case syscall.EDQUOT:
		return []syscall.Errno{1295}
	case syscall.EHOSTUNREACH:
		return []syscall.Errno{10065, 1232}
	case syscall.ELOOP:
		return []syscall.Errno{1921} // CANT_RESOLVE_FILENAME
	case syscall.ENETUNREACH:
		return []syscall.Errno{10051, 1231}
	case syscall.ENOSPC:
		return []syscall.Errno{112, 39} // DISK_FULL, HANDLE_DISK_FULL
	case syscall.ENOTDIR:
		return []syscall.Errno{267} // DIRECTORY
	case syscall.EPIPE:
		return []syscall.Errno{109, 232} // BROKEN_PIPE, NO_DATA
	case syscall.EROFS:
		return []syscall.Errno{19} // WRITE_PROTECT
	case syscall.ETIMEDOUT:
		return []syscall.Errno{10060, 121} // and SEM_TIMEOUT, of a network drive
	case syscall.ETXTBSY:
		return []syscall.Errno{32, 33} // SHARING_VIOLATION, LOCK_VIOLATION
	}
	return nil
}
