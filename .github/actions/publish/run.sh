#!/usr/bin/env bash
# What the action does, with its inputs as environment. It runs anywhere with
# Go and git.
set -euo pipefail

tool=${RUNNER_TEMP:?}/kubectl-schemahero-plugin
if [ ! -x "$tool" ]; then
	CGO_ENABLED=0 go -C "${GITHUB_ACTION_PATH:?}/../../.." build -trimpath -buildvcs=false -ldflags '-s -w' -o "$tool" ./cmd/kubectl-schemahero-plugin
fi

if [ "$BUILD" = true ]; then
	args=()
	for p in $PLATFORMS; do args+=(--platform "$p"); done
	if [ -n "$DRIVER_VERSION" ]; then args+=(--version "$DRIVER_VERSION"); fi
	"$tool" build --errors github "${DRIVER:?}" --source "$SOURCE" --dist "$DIST" ${args[@]+"${args[@]}"}
fi
if [ "$PUSH" != true ]; then exit; fi

args=("${DRIVER:?}" --registry "$TARGET" --dist "$DIST")
# The source says which version it is, unless the caller does.
if [ -n "$DRIVER_VERSION" ]; then args+=("$DRIVER_VERSION"); else args+=(--source "$SOURCE"); fi
if [ "$DRY_RUN" = true ]; then args+=(--dry-run); fi
if [ -n "$SCHEMAHERO" ]; then args+=(--schemahero "$SCHEMAHERO"); fi
given=$'\n'$ANNOTATIONS
while IFS= read -r line; do
	if [ -n "$line" ]; then args+=(--annotation "$line"); fi
done <<<"$ANNOTATIONS"
# annotate KEY VALUE, unless the caller says another one.
annotate() {
	if [ -n "$2" ] && [[ $given != *$'\n'"$1="* ]]; then args+=(--annotation "$1=$2"); fi
}
if [ -n "${GITHUB_REPOSITORY:-}" ]; then
	annotate org.opencontainers.image.source "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"
fi
# The last commit that changed what the driver is made of, not the last of all:
# it stays the same with the driver, so that a version which is out already is
# left alone.
annotate org.opencontainers.image.revision "$(git -C "$SOURCE" log -1 --format=%H -- "plugins/$DRIVER" \
	':(exclude)*.md' ':(exclude)*_test.go' ':(exclude,glob)**/testdata/**' ':(exclude,glob)**/LICENSE*')"

if [ "$DRY_RUN" != true ] && [ -n "$PASSWORD" ]; then
	# Into a folder of this step, gone with it.
	export DOCKER_CONFIG=$RUNNER_TEMP/docker-publish
	mkdir -p "$DOCKER_CONFIG"
	trap 'rm -rf "$DOCKER_CONFIG"' EXIT
	"$tool" login --errors github "${TARGET%%/*}" --username "$USERNAME" --password-stdin <<<"$PASSWORD"
fi
"$tool" push --errors github "${args[@]}" | tee "$RUNNER_TEMP/published.txt"
reference=$(grep -om1 '[^ ]*@sha256:[0-9a-f]*' "$RUNNER_TEMP/published.txt")
# The SBOM of each platform is signed where the release is: without that it does not
# count under a trust rule.
digests=$("$tool" push "${args[@]}" --dry-run -o 'jsonpath={.spec.platforms[*].sbom}')
sboms=
for digest in $digests; do
	sboms+="${reference%@*}@$digest "
done
if [ "${SIGN:-false}" = true ] && [ "$DRY_RUN" != true ]; then
	cosign sign --yes "$reference" $sboms
fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then printf 'reference=%s\nsboms=%s\n' "$reference" "$sboms" >>"$GITHUB_OUTPUT"; fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
	printf '```\n%s\n```\n' "$(<"$RUNNER_TEMP/published.txt")" >>"$GITHUB_STEP_SUMMARY"
fi
