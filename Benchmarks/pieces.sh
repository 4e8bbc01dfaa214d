#!/usr/bin/env bash
# How fast are the engine and the topics by themselves? Measures them within one process, each in turn with the reference that it is held
# against, and prints the medians in one table.
#
#   Benchmarks/pieces.sh [--filter REGEX]
#
# --filter REGEX  only the pieces whose whole name matches, such as 'topic.*' (default all)
#
#   piece                    reference
#   no-op activities         SQLite: one row and one commit for each activity, WAL, synchronous=NORMAL
#   replay of a history      none: read from the file, decoded, and led through the code again
#   topic                    the memory copies that its subscribers make, without a topic between
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
    echo "pieces.sh: $*" >&2
    exit 2
}

filter=()
while (($#)); do
    case $1 in
    --filter)
        (($# > 1)) || fail "$1 needs a value"
        filter=(--filter "$2")
        shift 2
        ;;
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *) fail "unknown argument \"$1\"; Benchmarks/pieces.sh --help lists what there is" ;;
    esac
done
command -v python3 >/dev/null || fail "python3 is missing; install it (Debian: apt-get install python3)"

cd "$folder"
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
echo "builds, and measures for about two minutes …" >&2
swift package --allow-writing-to-directory "$results" benchmark --target Pieces --format jmh --path "$results" \
    --no-progress "${filter[@]}" >"$results/log" 2>&1 || {
    cat "$results/log" >&2
    fail "the pieces could not be measured; the messages are above"
}
# Without leaving compiled files in the checkout.
python3 -B pieces_table.py "$results"/*.jmh.json
