#!/usr/bin/env bash
# The units, the scripts and the main job of the program as on Windows: here under
# Wine. On Windows itself, and on macOS, the units and the scripts, without. What
# cannot be is skipped by name; the list of that comes at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	[ -z "${WINEPREFIX:-}" ] || /usr/lib/wine/wineserver64 -k 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT

# Symbolic links that Wine says it makes, and does not.
skips=(TestDirectory TestBefore TestDiscover TestClaimsAreShared TestForeignThatIsNoFile TestLinkedFolder TestLayoutLinks TestFolderLink TestLoginKeepsTheRest TestOverridden)

# tests LOG ARG...: go test, of which only what matters is shown.
tests() {
	local log=$work/$1
	shift
	# Wine now and then starts no process, of an "Internal error": that is once more.
	"$@" >"$log" 2>&1 || { grep -q 'fork/exec .*: Internal error' "$log" && echo "again: Wine started no process" && "$@" >"$log" 2>&1; } || {
		grep -E -B25 -A5 'FAIL[: ]|^panic' "$log" >&2
		exit 1
	}
	grep -E '^ok' "$log"
}
# "$@" goes to go test.
suite() {
	tests units "$@" -short -v ./pkg/... ./lockfile/... ./plugins/...
	tests scripts "$@" -short -v -run '^Test(Script|Layouts)$' ./cmd/kubectl-schemahero-plugin
}
skipped() {
	echo "=== skipped, and whether that is for the system, for Wine or for the test"
	awk '/^=== / { test = $3 } /^ *[a-z_]+\.go:[0-9]+: / { sub(/^ *[^ ]+ /, ""); reason[test] = $0 } /^ *--- SKIP/ { print $3 ": " reason[$3] }' "$work/units" "$work/scripts"
}
# A shell and its tools of our own, for scripts: the same on every system.
shell() {
	mkdir "$work/bin"
	for tool in "$@"; do
		[ -f "$work/sh" ] || go -C testdata/sh build ${overlay:+-overlay "$overlay"} -o "$work/sh" .
		cp "$work/sh" "$work/bin/$tool"
	done
}
all="sh cat chmod cmp cp cut echo env find grep head ls mkdir mv od rm sed sha256sum sort tail tar touch tr true wc"

case $(go env GOHOSTOS) in
windows)
	shell $(printf '%s.exe ' $all)
	PATH=$work/bin:$PATH suite go test
	skipped
	exit
	;;
darwin) # its tools are others than those of GNU
	shell sed sha256sum
	PATH=$work/bin:$PATH suite go test
	skipped
	exit
	;;
esac

command -v x86_64-w64-mingw32-gcc >/dev/null && [ -x /usr/lib/wine/wine64 ] ||
	apt-get install -y --no-install-recommends wine64 gcc-mingw-w64-x86-64
export WINEPREFIX=$work/wine WINEDEBUG=-all WINEPATH="Z:${work//\//\\}\\bin"
cat >"$work/wine64" <<'SH'
#!/bin/sh
exec /usr/lib/wine/wine64 "$@"
SH
chmod +x "$work/wine64"
wine() { "$work/wine64" "$@"; }
wine wineboot -i >/dev/null 2>&1
wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null
# Go takes its random numbers from a library that Wine does not have.
cat >"$work/prng.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T n) { return SystemFunction036(to, (ULONG)n); }
C
x86_64-w64-mingw32-gcc -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$work/prng.c" -ladvapi32

# os.RemoveAll fails on Wine, unless it removes as on an old file system: tests are
# built that way, the program is not.
at=$(go env GOROOT)/src/internal/syscall/windows/at_windows.go
sed 's/^var TestDeleteatFallback bool$/var TestDeleteatFallback = true/' "$at" >"$work/at_windows.go"
overlay=$work/overlay.json
echo "{\"Replace\": {\"$at\": \"$work/at_windows.go\"}}" >"$overlay"

# "$@" goes to go.
windows() { GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go "$@"; }
(export GOOS=windows GOARCH=amd64 CGO_ENABLED=0 && shell $(printf '%s.exe ' $all))
GOOS=windows GOARCH=amd64 CGO_ENABLED=0 suite go test -vet=off -overlay "$overlay" -exec "$work/wine64" -parallel 4 -timeout 20m \
	-skip "^($(IFS='|' && echo "${skips[*]}"))\$"

echo "=== main job"
go build -o "$work/plugin" ./cmd/kubectl-schemahero-plugin
windows build -o "$work/plugin.exe" ./cmd/kubectl-schemahero-plugin
windows -C testdata/driver build -ldflags "-X main.name=postgres -X main.version=0.1.0" -o "$work/schemahero-postgres.exe" .
mkdir "$work/project" "$work/home"
cd "$work/project"
"$work/plugin" serve --dir "$work/registry" >"$work/address" &
server=$!
for _ in $(seq 100); do
	[ ! -s "$work/address" ] || break
	sleep 0.05
done
registry=$(cat "$work/address")/drivers
"$work/plugin" push postgres 0.1.0 --registry "$registry" --platform "windows/amd64=$work/schemahero-postgres.exe"
printf 'registry = "%s"\n[plugins]\npostgres = "^0.1"\n' "$registry" >schemahero-plugins.toml
plugin() { wine "$work/plugin.exe" --home "Z:$work/home" "$@"; }
plugin lock
plugin sync --probe
plugin sync --locked
plugin verify
plugin list
plugin doctor
fail() {
	echo "windows: $*" >&2
	exit 1
}
printf '@exit 7\r\n' >t.bat
code=0
plugin run -- '.\t.bat' || code=$?
[ "$code" = 7 ] || fail "run .\\t.bat ends with $code"
# Named without its folder it is not run.
! plugin run -- t.bat 2>"$work/refused" || fail "run t.bat takes what is in the working directory"
grep -qF 'write .\t.bat' "$work/refused" || fail "run t.bat: $(cat "$work/refused")"
[ -f "$work/home/plugins/schemahero-postgres.exe" ] || fail "the driver is not installed"
left=$(find "$work/home/locks" -name 'sha256-*'; find "$work/home" -name '*.tmp*')
[ -z "$left" ] || fail "left after the sync: $left"
skipped
printf '%s: Wine: makes no symbolic links\n' "${skips[@]}"
echo "windows: all is well"
