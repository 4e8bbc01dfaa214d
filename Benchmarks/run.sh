#!/usr/bin/env bash
# How fast is `backfill`, and how much does it take? Compares whole processes that load the customers sample into a new table or file:
# the reference (the databases' own programs, no engine around them) and `backfill run`. Prints Markdown tables.
#
#   Benchmarks/run.sh [--rows N]… [--variant V]… [--repeat N] [--batch N] [--program PATH | --reference-only] [--short]
#
# --rows N          records, 1000 to 8000000; given several times, the sizes stand side by side (default 1000000)
# --variant V       one of those below, or several, each with its own --variant (default upsert)
# --repeat N        each is run so often, in turn, and the median of each figure is shown (default 3)
# --batch N         rows of each of the reference's transactions (default 1000)
# --program PATH    a `backfill` that is built already (default: the release build of this checkout, which is made)
# --reference-only  only the reference; builds nothing
# --short           all variants once, and of Benchmarks/comparison.sh what needs no installation; these and scaling with a quarter of the
#                   rows
#
#   variant                          from        to          reference
#   upsert, append                   SQLite      SQLite      one sqlite3: INSERT … SELECT
#   ndjson                           SQLite      a file      one sqlite3: json_object
#   postgres-upsert, postgres-append SQLite      PostgreSQL  sqlite3 | psql: COPY (into a temporary table, and from there, for upsert)
#   postgres-source                  PostgreSQL  SQLite      psql: COPY to a file, then sqlite3: .import of it, in one transaction
#   direct                           SQLite and PostgreSQL to SQLite: `stage: direct` beside the same spec with a staged file
#   finish-together                  SQLite      SQLite      the same customers, cut by the year of their registration
#   scaling                          SQLite      SQLite      a straight line: an eighth of --rows to all, 1 to 64 buckets, batches of 10 to 10,000
#
# The exit status is 1 when a target does not hold the source's rows, or a program fails; never because something is slow.
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
program=
short=
while (($#)); do
    case $1 in
    --rows | --variant | --repeat | --batch | --program)
        (($# > 1)) || fail "$1 needs a value"
        case $1 in
        --rows) sizes+=("$2") ;;
        --variant) variants+=("$2") ;;
        --repeat) repeat=$2 ;;
        --batch) batch=$2 ;;
        --program) program=$(realpath -- "$2") ;;
        esac
        shift 2
        ;;
    --reference-only)
        reference_only=1
        shift
        ;;
    --short)
        short=1
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
for rows in "${sizes[@]}"; do [[ $rows =~ ^[1-9][0-9]{3,6}$ ]] || fail "--rows must be a whole number from 1000 to 8000000, not \"$rows\""; done
if [[ -n $short ]]; then
    [[ ${#variants[@]} -eq 0 && ${#sizes[@]} -le 1 && -z $reference_only ]] ||
        fail "--short runs all variants once; of the other options it takes --rows, --batch and --program"
    variants=(upsert append ndjson postgres-upsert postgres-append postgres-source finish-together direct)
    repeat=1
    ((sizes[0] >= 32000)) || fail "--short runs scaling with a quarter of --rows; 32000 is the least, not ${sizes[0]}"
fi
((${#variants[@]})) || variants=(upsert)
[[ -z $program || -x $program ]] || fail "$program is not a program"
[[ -z $program || -z $reference_only ]] || fail "--reference-only runs no program; leave --program out"
[[ $repeat =~ ^[1-9][0-9]?$ ]] || fail "--repeat must be a whole number from 1 to 99, not \"$repeat\""
[[ $batch =~ ^[1-9][0-9]{0,6}$ ]] || fail "--batch must be a whole number from 1 to 9999999, not \"$batch\""
postgres=
made=("${sizes[@]}")
for variant in "${variants[@]}"; do
    case $variant in
    upsert | append | ndjson) ;;
    postgres-upsert | postgres-append | postgres-source) postgres=1 ;;
    direct)
        [[ -z $reference_only ]] || fail "direct compares \`backfill\` with itself; leave --reference-only out"
        postgres=1
        ;;
    finish-together) [[ -z $reference_only ]] || fail "finish-together compares \`backfill\` with itself; leave --reference-only out" ;;
    scaling)
        [[ -z $reference_only ]] || fail "scaling compares \`backfill\` with itself; leave --reference-only out"
        largest=$(printf '%s\n' "${sizes[@]}" | sort -n | tail -n 1)
        ((largest >= 8000)) || fail "scaling begins with an eighth of --rows, which the sample must have a thousand of; 8000 is the least, not $largest"
        made+=($((largest / 8)) $((largest / 4)) $((largest / 2)))
        ;;
    *) fail "--variant must be upsert, append, ndjson, postgres-upsert, postgres-append, postgres-source, direct, finish-together or scaling, not \"$variant\"" ;;
    esac
done
command -v python3 >/dev/null || fail "python3 is missing; install it (Debian: apt-get install python3)"

cd "$root"
samples/install.sh libsqlite3-dev libpq-dev sqlite3
for rows in "${made[@]}"; do
    samples/customers/make.sh "$rows" "samples/work/benchmarks/customers-$rows.sqlite"
done
arguments=(--repeat "$repeat" --batch "$batch")
if [[ -z $reference_only && -z $program ]]; then
    swift build --configuration release --product backfill >&2 || fail "the build failed; the compiler's messages are above"
    program=$(swift build --configuration release --show-bin-path)/backfill
fi
[[ -z $program ]] || arguments+=(--backfill "$program")
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
if [[ -n $short ]]; then
    few=(--program "$program" --rows $((sizes[0] / 4)) --repeat 1)
    Benchmarks/run.sh "${few[@]}" --variant scaling
    Benchmarks/comparison.sh "${few[@]}" --tool copy --tool backfill
fi
