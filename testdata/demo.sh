#!/usr/bin/env bash
# The main job, from nothing: two drivers in three versions on a registry of
# its own, which stands in for docker.io, a manifest, a lock, installed and
# verified drivers. Ends non-zero if any step differs from what it should be, and
# leaves nothing behind but the picture of it, docs/tour.svg, drawn from what the
# program printed.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

bold() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || bold() { printf '\n%s\n' "$*"; }
plugin() { "$root/bin/kubectl-schemahero-plugin" "$@"; }
run() {
	bold "\$ kubectl schemahero plugin $*"
	plugin "$@"
}
# show is run, of what the picture shows: all but the lines that say what is
# being fetched.
show() {
	local code=0
	bold "\$ kubectl schemahero plugin $*"
	plugin "$@" >"$work/out" 2>&1 || code=$?
	cat "$work/out"
	{
		echo "\$ kubectl schemahero plugin $*"
		grep -v '^fetching ' "$work/out" || true
	} >>"$work/tour"
	return "$code"
}
fail() {
	echo "demo: $*" >&2
	exit 1
}

# Go keeps its caches where they are; everything else sees an empty home.
gocache=$(go env GOCACHE) gopath=$(go env GOPATH)
export HOME=$work/home GOCACHE=$gocache GOPATH=$gopath
unset SCHEMAHERO_PLUGIN_REGISTRY SCHEMAHERO_PLUGIN_PATH SCHEMAHERO_PLUGIN_HOME SCHEMAHERO_PLUGIN_OFFLINE DOCKER_CONFIG REGISTRY_AUTH_FILE XDG_RUNTIME_DIR
mkdir "$HOME" "$work/drivers" "$work/project"

host=$(go env GOOS)/$(go env GOARCH)
other=linux/arm64
[ "$host" != "$other" ] || other=linux/amd64

bold "# Build two drivers in three versions"
for name in postgres mysql; do
	for version in 0.1.0 0.1.1 0.2.0; do
		for platform in "$host" "$other"; do
			GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 go -C testdata/driver build -trimpath \
				-ldflags "-s -w -X main.name=$name -X main.version=$version" -o "$work/drivers/$name-$version-${platform/\//-}" .
		done
	done
done

bold "# A registry on a free port of this machine"
"$root/bin/kubectl-schemahero-plugin" serve --dir "$work/registry" >"$work/address" &
server=$!
for _ in $(seq 100); do
	[ ! -s "$work/address" ] || break
	sleep 0.05
done
registry=$(cat "$work/address")/schemahero/plugins
[ "$registry" != /schemahero/plugins ] || fail "the registry does not start"
echo "$registry"

bold "# Publish them"
for name in postgres mysql; do
	for version in 0.1.0 0.1.1 0.2.0; do
		plugin push "$name" "$version" --registry "$registry" \
			--platform "$host=$work/drivers/$name-$version-${host/\//-}" \
			--platform "$other=$work/drivers/$name-$version-${other/\//-}"
	done
done

mkdir "$HOME/.schemahero"
printf '[mirrors]\n"docker.io" = ["%s"]\n' "${registry%%/*}" >"$HOME/.schemahero/config.toml"
bold "\$ cat ~/.schemahero/config.toml"
cat "$HOME/.schemahero/config.toml"

cd "$work/project"
show init --local
show add postgres@^0.1 mysql
bold "\$ cat schemahero-plugins.toml"
cat schemahero-plugins.toml
bold "\$ cat schemahero-plugins.lock"
cat schemahero-plugins.lock
run lock --check
installed=plugins/bin
cmp "$work/drivers/postgres-0.1.1-${host/\//-}" "$installed/schemahero-postgres" || fail "postgres is not 0.1.1, the newest that ^0.1 admits"
cmp "$work/drivers/mysql-0.2.0-${host/\//-}" "$installed/schemahero-mysql" || fail "mysql is not 0.2.0, the newest"
show outdated

bold "# A second sync does nothing, and asks nobody"
kill "$server" && wait "$server" 2>/dev/null || true
server=
run sync --stats 2>&1 | tee "$work/second"
grep -q 'nothing to do' "$work/second" || fail "the second sync did something"
show sync --locked
run doctor --probe --offline

bold "# A tampered driver is found, and repaired from the store, offline"
tamper="echo tampered >>plugins/bin/schemahero-postgres"
bold "\$ $tamper"
echo "\$ $tamper" >>"$work/tour"
eval "$tamper"
code=0
show verify || code=$?
[ "$code" = 3 ] || fail "verify exits $code for a tampered driver, not 3"
show sync --offline
cmp "$work/drivers/postgres-0.1.1-${host/\//-}" "$installed/schemahero-postgres" || fail "sync did not repair postgres"
show verify

go -C "$root/hack" run ./picture tour <"$work/tour" >"$work/tour.svg"
cmp -s "$work/tour.svg" "$root/docs/tour.svg" || {
	cp "$work/tour.svg" "$root/docs/tour.svg"
	bold "# docs/tour.svg, the picture of this, was drawn again: commit it"
}
bold "Done: every step was as it should be."
