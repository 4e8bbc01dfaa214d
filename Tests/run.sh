#!/usr/bin/env bash
# Installs what the tests need, builds and runs them, beside a PostgreSQL server of their own that `BACKFILL_TEST_POSTGRESQL` names and
# that is gone afterwards. Arguments go to `swift test`, for example: Tests/run.sh --filter Spec
# Tests/run.sh --results FOLDER runs all and leaves a file of results (xUnit) for each target there.
set -euo pipefail

results=
if [[ ${1:-} == --results ]]; then
    results=$(realpath "${2:?--results needs a folder}")
    shift 2
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v swift >/dev/null || {
    echo "run.sh: swift is missing; install Swift 6.1 or later from https://www.swift.org/install" >&2
    exit 2
}
samples/install.sh libsqlite3-dev libpq-dev sqlite3 openssl
# Tests and what they start leave their files here, also when they are killed.
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'samples/postgres/server.sh remove "$TMPDIR/postgres" || true; rm -rf "$TMPDIR"' EXIT
swift build --build-tests </dev/null
# Run by root, the server belongs to another user, who has to get through here.
chmod go+x "$TMPDIR"
BACKFILL_TEST_POSTGRESQL=$(samples/postgres/server.sh start --fast "$TMPDIR/postgres")
export BACKFILL_TEST_POSTGRESQL
if (($#)); then
    swift test --skip-build --parallel "$@" </dev/null
    exit
fi
# One target after the other: what computes must not keep from its turn what waits for an answer.
status=0
for target in Tests/*Tests; do
    target=${target##*/}
    swift test --skip-build --parallel --filter "^$target\\." ${results:+--xunit-output "$results/$target.xml"} </dev/null || status=$?
done
exit "$status"
