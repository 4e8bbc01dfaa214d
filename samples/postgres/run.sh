#!/usr/bin/env bash
# From PostgreSQL to PostgreSQL: starts a server to throw away, fills it with customers, loads them into the table of a new service, and
# compares the two.
#
#   samples/postgres/run.sh [--rows N] [--keep]
#
# --rows N  how many customers, 1000 to 8000000 (default 100000)
# --keep    leaves the server running in samples/work/postgres, to look around; else it is removed at the end
set -euo pipefail

caller=$PWD
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rows=100000
keep=

fail() {
    echo "run.sh: $*" >&2
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
    --keep)
        keep=1
        shift
        ;;
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *) fail "unknown argument \"$1\"; usage: run.sh [--rows N] [--keep]" ;;
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

server=samples/work/postgres
samples/postgres/server.sh remove "$server"
[[ -n $keep ]] || trap 'samples/postgres/server.sh remove "$server"' EXIT
BACKFILL_POSTGRES=$(samples/postgres/server.sh start "$server")
export BACKFILL_POSTGRES
samples/postgres/make.sh "$BACKFILL_POSTGRES" "$rows"

spec=samples/postgres/customers.yaml
"$backfill" run "$spec" </dev/null ||
    fail "the backfill did not complete; its last line says what to type next, in $root$(
        [[ -n $keep ]] || echo " (with --keep, since the server is removed now)"
    )"

# Both ways: what the new service lacks, and what it has and should not have.
expected=$(<queries/customers-postgres.sql)
columns="id, service, display_name, locale, settings, balance, updated_at"
compared=$(psql --no-psqlrc --no-align --tuples-only --set ON_ERROR_STOP=1 --dbname "$BACKFILL_POSTGRES" --command "
    WITH expected AS ($expected), found AS (SELECT $columns FROM new_service.customer_config)
    SELECT (SELECT count(*) FROM found),
           (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE found) AS missing),
           (SELECT count(*) FROM (TABLE found EXCEPT ALL TABLE expected) AS surplus)")
[[ $compared == "$rows|0|0" ]] ||
    fail "the tables differ: the target has ${compared%%|*} rows of $rows; missing and surplus rows: $(cut -d '|' -f 2- <<<"$compared")"
echo "the same $rows rows in the source's query and in new_service.customer_config (EXCEPT both ways)" >&2

here="here"
[[ $caller == "$root" ]] || here="in $(printf '%q' "$root")"
if [[ -z $keep ]]; then
    cat <<NEXT

What to try next, $here:
  samples/postgres/run.sh --keep       keeps the server, and says what to do with it
  Benchmarks/run.sh --variant postgres-upsert --variant postgres-source
NEXT
    exit 0
fi
cat <<NEXT

What to try next, $here:
  export PATH=$(printf '%q' "$(dirname "$backfill")"):"\$PATH"
  export BACKFILL_POSTGRES=$BACKFILL_POSTGRES
  psql "\$BACKFILL_POSTGRES" -c 'SELECT * FROM new_service.customer_config LIMIT 5'
  backfill stats                 how far a run is: by query, bucket and executor
A customer whom the new service has changed since is left alone:
  psql "\$BACKFILL_POSTGRES" -c "UPDATE new_service.customer_config SET display_name = 'Ada', updated_at = now() WHERE id = 4711"
  backfill run $spec
  psql "\$BACKFILL_POSTGRES" -c 'SELECT * FROM new_service.customer_config WHERE id = 4711'
Pull the plug of the database in the middle, and carry on from there:
  backfill run $spec & sleep 0.5; samples/postgres/server.sh stop $server immediate; wait
  samples/postgres/server.sh start $server; backfill resume RUN
Be done with it:
  samples/postgres/server.sh remove $server
NEXT
