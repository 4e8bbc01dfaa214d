#!/usr/bin/env bash
# Installs what the tests need, builds and runs them. Arguments go to `swift test`, for example: Tests/run.sh --filter Spec
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v swift >/dev/null || {
    echo "run.sh: swift is missing; install Swift 6.1 or later from https://www.swift.org/install" >&2
    exit 2
}
samples/install.sh libsqlite3-dev libpq-dev sqlite3
# Tests and what they start leave their files here, also when they are killed.
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
swift build --build-tests </dev/null
swift test --skip-build --parallel "$@" </dev/null
