#!/usr/bin/env bash
# How fast is `backfill`, and how much memory does it take? Compares whole processes that load the customers sample into a new table:
# the reference (one `sqlite3` that does the same in transactions of 1,000 rows, no engine around it) and `backfill run`.
#
#   Benchmarks/run.sh [--rows N]… [--variant upsert|append]… [--repeat N] [--reference-only]
#
# --rows N          records, 1000 to 8000000; given several times, the sizes stand side by side (default 1000000)
# --variant V       upsert (default) or append; may be given several times
# --repeat N        each is run so often, in turn, and the median of each figure is shown (default 3)
# --reference-only  only the reference; builds nothing
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
    echo "run.sh: $*" >&2
    exit 2
}

sizes=()
variants=()
repeat=3
reference_only=
while (($#)); do
    case $1 in
    --rows | --variant | --repeat)
        (($# > 1)) || fail "$1 needs a value"
        case $1 in
        --rows) sizes+=("$2") ;;
        --variant) variants+=("$2") ;;
        --repeat) repeat=$2 ;;
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
for variant in "${variants[@]}"; do
    [[ $variant == upsert || $variant == append ]] || fail "--variant must be upsert or append, not \"$variant\""
done
command -v python3 >/dev/null || fail "python3 is missing; install it (Debian: apt-get install python3)"

cd "$root"
samples/install.sh libsqlite3-dev libpq-dev sqlite3
for rows in "${sizes[@]}"; do
    samples/customers/make.sh "$rows" "samples/work/benchmarks/customers-$rows.sqlite"
done
arguments=(--repeat "$repeat")
if [[ -z $reference_only ]]; then
    swift build --configuration release --product backfill >&2 || fail "the build failed; the compiler's messages are above"
    arguments+=(--backfill "$(swift build --configuration release --show-bin-path)/backfill")
fi
for rows in "${sizes[@]}"; do arguments+=(--rows "$rows"); done
for variant in "${variants[@]}"; do arguments+=(--variant "$variant"); done
exec python3 Benchmarks/whole_process.py "${arguments[@]}"
