#!/usr/bin/env bash
# How fast is `backfill` on a Temporal server, beside the same job with the official Python SDK in the same run? Both load the customers
# from SQLite into a PostgreSQL table with a primary key, with eight executors and batches of 1,000, and both do activities that do nothing.
#
#   Benchmarks/temporal.sh [--rows N] [--workers N] [--program P]… [--repeat N] [--backfill PATH] [--noop PATH] [--short]
#
# --rows N         records, 1000 to 8000000 (default 1000000)
# --workers N      worker processes, 1 to 16, beside the one that has them load (default 1)
# --program P      one of those below, or several, each with its own --program; ratios are to the first (default: all)
# --repeat N       each is run so often, in turn, and the median of each figure is shown (default 3)
# --backfill PATH  a `backfill` that is built already, with Temporal (default: the release build of this checkout, which is made)
# --noop PATH      a `noop-on-temporal` that is built already (default: the release build of this checkout, which is made)
# --short          100,000 records, once
#
#   python        the official SDK: a batch an activity
#   python-local  the same with local activities
#   python-20     the same with 20 batches an activity, and a heartbeat between
#   backfill      `backfill worker` as it is: 20 batches an activity
#   backfill-1    a batch an activity
#   backfill-postgres  as it is, with the state in PostgreSQL, in the target's database
#
# Each load has a Temporal server of its own (the development server, histories in a SQLite file), without a history; PostgreSQL's commits
# reach the disk. The exit status is 1 when a program fails or a table differs from the source, never because something is slow.
# What is missing is installed: Debian's packages into the system, PyPI's under samples/work. Both servers are removed afterwards.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
    echo "temporal.sh: $*" >&2
    exit 2
}

rows=1000000
workers=1
programs=()
repeat=3
backfill=
noop=
while (($#)); do
    case $1 in
    --rows | --workers | --program | --repeat | --backfill | --noop)
        (($# > 1)) || fail "$1 needs a value"
        case $1 in
        --rows) rows=$2 ;;
        --workers) workers=$2 ;;
        --program) programs+=("$2") ;;
        --repeat) repeat=$2 ;;
        --backfill) backfill=$(realpath -- "$2") ;;
        --noop) noop=$(realpath -- "$2") ;;
        esac
        shift 2
        ;;
    --short)
        rows=100000
        repeat=1
        shift
        ;;
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *) fail "unknown argument \"$1\"; Benchmarks/temporal.sh --help lists what there is" ;;
    esac
done
((${#programs[@]})) || programs=(python python-local python-20 backfill backfill-1 backfill-postgres)
[[ $rows =~ ^[1-9][0-9]{3,6}$ ]] || fail "--rows must be a whole number from 1000 to 8000000, not \"$rows\""
[[ $workers =~ ^([1-9]|1[0-6])$ ]] || fail "--workers must be a whole number from 1 to 16, not \"$workers\""
[[ $repeat =~ ^[1-9][0-9]?$ ]] || fail "--repeat must be a whole number from 1 to 99, not \"$repeat\""
for program in "$backfill" "$noop"; do [[ -z $program || -x $program ]] || fail "$program is not a program"; done
arguments=(--rows "$rows" --workers "$workers" --repeat "$repeat")
wanted=
for program in "${programs[@]}"; do
    case $program in
    python | python-local | python-20) ;;
    backfill | backfill-1 | backfill-postgres) wanted=1 ;;
    *) fail "--program must be python, python-local, python-20, backfill, backfill-1 or backfill-postgres, not \"$program\"" ;;
    esac
    arguments+=(--program "$program")
done
command -v python3 >/dev/null || fail "python3 is missing; install it (Debian: apt-get install python3)"

cd "$root"
samples/install.sh libsqlite3-dev libpq-dev sqlite3
samples/customers/make.sh "$rows" "samples/work/benchmarks/customers-$rows.sqlite"
samples/temporal/server.sh program >/dev/null
Benchmarks/install.sh temporalio==1.35.0 'psycopg[binary]==3.3.9'
# In a folder of its own, since packages that are built with other traits are built anew.
release() {
    local build=(swift build --configuration release --product "$1" --traits Temporal --scratch-path .build-temporal)
    "${build[@]}" >&2 || fail "the build failed; the compiler's messages are above"
    echo "$("${build[@]}" --show-bin-path)/$1"
}
if [[ -n $wanted ]]; then
    [[ -n $backfill ]] || backfill=$(release backfill)
    [[ -n $noop ]] || noop=$(release noop-on-temporal)
    arguments+=(--backfill "$backfill" --noop "$noop")
fi
postgres=samples/work/benchmarks/postgres-temporal
temporal=samples/work/benchmarks/temporal
remove_servers() {
    samples/temporal/server.sh remove "$temporal"
    samples/postgres/server.sh remove "$postgres"
}
remove_servers
trap remove_servers EXIT
arguments+=(--postgres "$(samples/postgres/server.sh start "$postgres")" --temporal "$temporal")
# Without leaving compiled files in the checkout.
python3 -B Benchmarks/temporal.py "${arguments[@]}"
