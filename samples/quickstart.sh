#!/usr/bin/env bash
# From a fresh checkout to a finished backfill: installs what is missing, builds, makes customers, and loads them into a new table.
#
#   samples/quickstart.sh [--rows N]
#
# --rows N  how many customers, 1000 to 8000000 (default 300000)
set -euo pipefail

caller=$PWD
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rows=300000

fail() {
    echo "quickstart.sh: $*" >&2
    exit 2
}

while (($#)); do
    case $1 in
    --rows)
        (($# > 1)) || fail "--rows needs a number"
        rows=$2
        shift 2
        ;;
    --rows=*)
        rows=${1#--rows=}
        shift
        ;;
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *) fail "unknown argument \"$1\"; usage: quickstart.sh [--rows N]" ;;
    esac
done
if [[ ! $rows =~ ^[1-9][0-9]{0,8}$ ]] || ((rows < 1000 || rows > 8000000)); then
    fail "--rows must be a whole number from 1000 to 8000000, not \"$rows\""
fi
command -v swift >/dev/null || fail "swift is missing; install Swift 6.1 or later from https://www.swift.org/install"

cd "$root"
samples/install.sh libsqlite3-dev libpq-dev sqlite3

echo "building (minutes the first time)" >&2
swift build --configuration release --product backfill >&2 ||
    fail "the build failed; the compiler's messages are above"
backfill=$(swift build --configuration release --show-bin-path)/backfill

samples/customers/make.sh "$rows"

# Rows of an earlier, bigger sample would stay in the target for good: an upsert never deletes.
target=samples/work/customers-target.sqlite
if [[ -s $target ]]; then
    highest=$(sqlite3 -readonly "$target" 'SELECT coalesce(max(id), 0) FROM customer_config' 2>/dev/null || echo 0)
    ((highest <= rows)) || rm -f "$target" "$target-wal" "$target-shm"
fi

spec=samples/customers/customers.yaml
"$backfill" run "$spec" </dev/null ||
    fail "the backfill did not complete; its last line says what to type next, in $root"

here="here"
[[ $caller == "$root" ]] || here="in $(printf '%q' "$root")"
cat <<NEXT

What to try next, $here:
  export PATH=$(printf '%q' "$(dirname "$backfill")"):"\$PATH"
  backfill list                  the runs and their ids
  backfill stats                 how far a run is: by query, bucket and executor
  backfill trace 4711            all that is known of customer 4711
  sqlite3 $target 'SELECT * FROM customer_config LIMIT 5'
Pull the plug in the middle, and carry on from there:
  backfill run $spec & sleep 0.5; kill -9 \$!
  backfill resume RUN            RUN is the id that the list shows
Real data, two queries, a table and a CSV file:
  samples/flights/fetch.sh && backfill run samples/flights/flights.yaml
NEXT
