#!/usr/bin/env bash
# How does `backfill` compare with what one would take instead? Each tool loads the same table from SQLite into PostgreSQL, in the same run:
# into one with a primary key to its end, and then into one without, where it is killed (kill -9) at half its time and run again the way
# its manual says. Prints what each took and left. Benchmarks/tools.py has the commands.
#
#   Benchmarks/comparison.sh [--rows N] [--tool T]… [--repeat N] [--program PATH]
#
# --rows N        records, 1000 to 8000000 (default 1000000)
# --tool T        one of those below, or several, each with its own --tool; ratios are to the first (default: all)
# --repeat N      each is run so often, in turn, and the median of each figure is shown (default 3)
# --program PATH  a `backfill` that is built already (default: the release build of this checkout, which is made)
#
#   copy      sqlite3 | psql, one COPY in one transaction
#   backfill  append, eight executors, batches of 1,000
#   duckdb    from PyPI, with its extensions for SQLite and PostgreSQL
#   dlt       from PyPI, with ConnectorX, and Parquet files that go to PostgreSQL by ADBC
#   pgloader  from Debian
#
# What is missing is installed: Debian's packages into the system, PyPI's under samples/work/benchmarks. The exit status is 1 when a program
# fails or when what `backfill` wrote differs from the source; what others got wrong is said in the tables.
# The PostgreSQL server is made for it and removed afterwards. Its commits reach the disk.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
    echo "comparison.sh: $*" >&2
    exit 2
}

rows=1000000
tools=()
repeat=3
program=
while (($#)); do
    case $1 in
    --rows | --tool | --repeat | --program)
        (($# > 1)) || fail "$1 needs a value"
        case $1 in
        --rows) rows=$2 ;;
        --tool) tools+=("$2") ;;
        --repeat) repeat=$2 ;;
        --program) program=$(realpath -- "$2") ;;
        esac
        shift 2
        ;;
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *) fail "unknown argument \"$1\"; Benchmarks/comparison.sh --help lists what there is" ;;
    esac
done
((${#tools[@]})) || tools=(copy backfill duckdb dlt pgloader)
[[ $rows =~ ^[1-9][0-9]{3,6}$ ]] || fail "--rows must be a whole number from 1000 to 8000000, not \"$rows\""
[[ $repeat =~ ^[1-9][0-9]?$ ]] || fail "--repeat must be a whole number from 1 to 99, not \"$repeat\""
[[ -z $program || -x $program ]] || fail "$program is not a program"
command -v python3 >/dev/null || fail "python3 is missing; install it (Debian: apt-get install python3)"

packages=()
modules=()
wanted=
for tool in "${tools[@]}"; do
    case $tool in
    copy) ;;
    backfill) wanted=1 ;;
    duckdb) modules+=(duckdb==1.5.5 duckdb-extension-sqlite-scanner==1.5.5 duckdb-extension-postgres-scanner==1.5.5) ;;
    dlt) modules+=('dlt[postgres]==1.31.0' sqlalchemy==2.1.9 connectorx==0.4.6 pyarrow==26.0.1 adbc-driver-postgresql==1.13.0 adbc-driver-manager==1.13.0) ;;
    pgloader) packages+=(pgloader) ;;
    *) fail "--tool must be copy, backfill, duckdb, dlt or pgloader, not \"$tool\"" ;;
    esac
done

cd "$root"
samples/install.sh libsqlite3-dev libpq-dev sqlite3 "${packages[@]}"
samples/customers/make.sh "$rows" "samples/work/benchmarks/customers-$rows.sqlite"
((${#modules[@]} == 0)) || Benchmarks/install.sh "${modules[@]}"
arguments=(--rows "$rows" --repeat "$repeat")
for tool in "${tools[@]}"; do arguments+=(--tool "$tool"); done
if [[ -n $wanted && -z $program ]]; then
    swift build --configuration release --product backfill >&2 || fail "the build failed; the compiler's messages are above"
    program=$(swift build --configuration release --show-bin-path)/backfill
fi
[[ -z $program ]] || arguments+=(--backfill "$program")
server=samples/work/benchmarks/postgres-comparison
samples/postgres/server.sh remove "$server"
trap 'samples/postgres/server.sh remove "$server"' EXIT
arguments+=(--postgres "$(samples/postgres/server.sh start "$server")")
# Without leaving compiled files in the checkout.
python3 -B Benchmarks/comparison.py "${arguments[@]}"
