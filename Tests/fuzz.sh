#!/usr/bin/env bash
# Fuzzes what reads foreign input: tries inputs that nobody thought of on the properties of Tests/Fuzzing.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
corpus=Tests/Fuzzing/Corpus

usage() {
    cat <<EOF
Usage: Tests/fuzz.sh [TARGET] [--seconds N] [--jobs N] [--input FILE] [--keep] [--list] [-- LIBFUZZER-OPTIONS]

Builds the fuzzer (.build-fuzz; the first time takes minutes) and lets it try inputs on one property, or on each in turn.
An input that breaks a property is kept, and the one command that repeats it is printed; the exit status is 1 then.

  TARGET        one of --list; all of them unless given
  --seconds N   how long each target is fuzzed; 60 unless given
  --jobs N      how many processes fuzz a target at the same time; 1 unless given
  --input FILE  repeats one input, and nothing else; needs a target
  --keep        does not fuzz, but adds to the corpus those of the inputs found here before, up to 512 bytes long, that reach code which
                nothing in it reaches
  --list        names the targets

New inputs that reach new code are kept in .build-fuzz/found/TARGET, those that break a property in .build-fuzz/broken/TARGET.
The corpus in $corpus is what a test of \`swift test\` repeats; add a broken input to it once the cause is mended.
EOF
}

fail() {
    echo "fuzz.sh: $1" >&2
    exit 2
}

target="" seconds=60 jobs=1 input="" keep="" options=()
while (($#)); do
    case $1 in
    --seconds | --jobs | --input)
        (($# > 1)) || fail "$1 needs a value; see Tests/fuzz.sh --help"
        declare "${1#--}=$2"
        shift
        ;;
    --keep) keep=yes ;;
    --list)
        ls "$corpus"
        exit
        ;;
    --help | -h)
        usage
        exit
        ;;
    --)
        shift
        options=("$@")
        break
        ;;
    -*) fail "unknown option $1; see Tests/fuzz.sh --help" ;;
    *)
        [[ -z $target ]] || fail "one target at a time, or all without naming any"
        [[ -d $corpus/$1 ]] || fail "$1 is no target. There are: $(ls "$corpus" | xargs)"
        target=$1
        ;;
    esac
    shift
done
[[ $seconds =~ ^[1-9][0-9]*$ && $jobs =~ ^[1-9][0-9]*$ ]] || fail "--seconds and --jobs take whole numbers from 1"
[[ -z $input || -n $target ]] || fail "--input needs the target that the input is for"
[[ -z $input || -f $input ]] || fail "there is no file $input"

samples/install.sh libsqlite3-dev libpq-dev
build=(swift build --package-path Tests/Fuzzing --scratch-path "$PWD/.build-fuzz" --sanitize=fuzzer --product fuzz)
"${build[@]}" >&2
fuzzer=$("${build[@]}" --show-bin-path)/fuzz

# Every finding is the same kind of failure to libFuzzer; Swift's own backtrace takes longer than all the rest.
export SWIFT_BACKTRACE=enable=no

if [[ -n $input ]]; then
    FUZZ_TARGET=$target "$fuzzer" "$input"
    exit
fi

status=0
for name in ${target:-$(ls "$corpus")}; do
    export FUZZ_TARGET=$name
    found=.build-fuzz/found/$name broken=.build-fuzz/broken/$name
    mkdir -p "$found" "$broken"
    if [[ -n $keep ]]; then
        before=$(ls "$corpus/$name" | wc -l)
        "$fuzzer" -set_cover_merge=1 -use_counters=0 -max_len=512 "$corpus/$name" "$found" >"$found.log" 2>&1 || fail "$name: see $found.log"
        echo "$name: $before inputs, and $(($(ls "$corpus/$name" | wc -l) - before)) new"
        continue
    fi
    echo "── $name, $seconds s"
    "$fuzzer" -max_total_time="$seconds" -max_len=4096 -timeout=25 -rss_limit_mb=2048 -use_value_profile=1 -print_final_stats=1 \
        -artifact_prefix="$broken/" -jobs=0 -fork="$((jobs > 1 ? jobs : 0))" "${options[@]}" "$found" "$corpus/$name" >"$found.log" 2>&1 || {
        status=1
        grep -E "^$name:|ERROR: libFuzzer|Fatal error|precondition" "$found.log" | tail -5
        artifact=$(grep -oE "$broken/[a-z]+-[0-9a-f]+" "$found.log" | tail -1)
        echo "── $name is broken; repeat it with"
        echo "Tests/fuzz.sh $name --input ${artifact:-$broken/…}"
        continue
    }
    grep -E 'stat::number_of_executed_units|stat::average_exec|stat::new_units' "$found.log" | sed 's/^/   /'
done
exit "$status"
