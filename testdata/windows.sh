#!/usr/bin/env bash
# The units of the packages near the system, and the main job of the program, as
# Windows runs them: here under Wine, on Windows itself and on macOS without. What
# Wine cannot do is skipped by name.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
packages=(system disk diag config manifest link unpack serve ../lockfile)
host=$(go env GOHOSTOS)

if [ "$host" != linux ]; then
	go test -short "${packages[@]/#/./pkg/}"
	exit
fi

# Wine 8 says that it makes symbolic links, and makes none: TestDirectory of
# pkg/manifest and TestBefore of pkg/link are about those.
skip='^(TestDirectory|TestBefore)$'

command -v x86_64-w64-mingw32-gcc >/dev/null && [ -x /usr/lib/wine/wine64 ] ||
	apt-get install -y --no-install-recommends wine64 gcc-mingw-w64-x86-64
work=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	/usr/lib/wine/wineserver64 -k 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
export WINEPREFIX=$work/wine WINEDEBUG=-all
wine() { /usr/lib/wine/wine64 "$@"; }
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
echo "{\"Replace\": {\"$at\": \"$work/at_windows.go\"}}" >"$work/overlay.json"

# "$@" goes to go.
windows() { GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go "$@"; }
for p in "${packages[@]}"; do
	echo "=== pkg/$p"
	windows test -overlay "$work/overlay.json" -c -o "$work/unit.exe" "./pkg/$p"
	(cd "pkg/$p" && wine "$work/unit.exe" -test.short -test.skip "$skip")
done

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
echo "windows: all is well"
