#!/usr/bin/env bash
# How fast is `backfill`, and how much memory does it take? Compares whole processes that load the customers sample into a new table:
# the reference (the databases' own programs, no engine around them) and `backfill run`.
#
#   Benchmarks/run.sh [--rows N]… [--variant V]… [--repeat N] [--batch N] [--reference-only]
#
# --rows N          records, 1000 to 8000000; given several times, the sizes stand side by side (default 1000000)
# --variant V       one of those below, or several, each with its own --variant (default upsert)
# --repeat N        each is run so often, in turn, and the median of each figure is shown (default 3)
# --batch N         rows of each of the reference's transactions (default 1000)
# --reference-only  only the reference; builds nothing
#
#   variant                          from        to          reference
#   upsert, append                   SQLite      SQLite      one sqlite3: INSERT … SELECT
#   postgres-upsert, postgres-append SQLite      PostgreSQL  sqlite3 | psql: COPY (into a temporary table, and from there, for upsert)
#   postgres-source                  PostgreSQL  SQLite      psql: COPY to a file, then sqlite3: .import of it, in one transaction
#
# The PostgreSQL server is made for it and removed afterwards. Its commits reach the disk, as SQLite's do (synchronous=FULL).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
    echo "run.sh: $*" >&2
    exit 2
}

sizes=()
variants=()
repeat=3
batch=1000
reference_only=
while (($#)); do
    case $1 in
    --rows | --variant | --repeat | --batch)
        (($# > 1)) || fail "$1 needs a value"
        case $1 in
        --rows) sizes+=("$2") ;;
        --variant) variants+=("$2") ;;
        --repeat) repeat=$2 ;;
        --batch) batch=$2 ;;
        esac
        shift 2
        ;;
    --reference-only)
        reference_only=1
        shift
        ;;
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *) fail "unknown argument \"$1\"; Benchmarks/run.sh --help lists what there is" ;;
    esac
done
((${#sizes[@]})) || sizes=(1000000)
((${#variants[@]})) || variants=(upsert)
[[ $repeat =~ ^[1-9][0-9]?$ ]] || fail "--repeat must be a whole number from 1 to 99, not \"$repeat\""
[[ $batch =~ ^[1-9][0-9]{0,6}$ ]] || fail "--batch must be a whole number from 1 to 9999999, not \"$batch\""
postgres=
for variant in "${variants[@]}"; do
    case $variant in
    upsert | append) ;;
    postgres-upsert | postgres-append | postgres-source) postgres=1 ;;
    *) fail "--variant must be upsert, append, postgres-upsert, postgres-append or postgres-source, not \"$variant\"" ;;
    esac
done
command -v python3 >/dev/null || fail "python3 is missing; install it (Debian: apt-get install python3)"

cd "$root"
samples/install.sh libsqlite3-dev libpq-dev sqlite3
for rows in "${sizes[@]}"; do
    samples/customers/make.sh "$rows" "samples/work/benchmarks/customers-$rows.sqlite"
done
arguments=(--repeat "$repeat" --batch "$batch")
if [[ -z $reference_only ]]; then
    swift build --configuration release --product backfill >&2 || fail "the build failed; the compiler's messages are above"
    arguments+=(--backfill "$(swift build --configuration release --show-bin-path)/backfill")
fi
for rows in "${sizes[@]}"; do arguments+=(--rows "$rows"); done
for variant in "${variants[@]}"; do arguments+=(--variant "$variant"); done
if [[ -n $postgres ]]; then
    server=samples/work/benchmarks/postgres
    samples/postgres/server.sh remove "$server"
    trap 'samples/postgres/server.sh remove "$server"' EXIT
    url=$(samples/postgres/server.sh start "$server")
    arguments+=(--postgres "$url")
fi
# Without leaving compiled files in the checkout.
python3 -B Benchmarks/whole_process.py "${arguments[@]}"
