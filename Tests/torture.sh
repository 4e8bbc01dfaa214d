#!/usr/bin/env bash
# Tortures the program with real processes: kill -9, SIGSTOP, Ctrl-C, full disks, power cuts, deleted and damaged files, a PostgreSQL that
# restarts. After each scenario every target is compared with the source, record by record.
#
#   Tests/torture.sh [--minutes N] [--seed S] [--only NUMBER] [--story NAME] [--program PATH] [--keep]
#
# --minutes N      for how long scenarios are begun (default 10)
# --seed S         decides what is done; a new one each time unless given. How fast the machine is decides the rest
# --only NUMBER    only the scenario of that number, as a failure names it
# --story NAME     only scenarios of that story: the names of Tests/Torture/stories
# --program PATH   the program; unless given, the release build, which is made when it is not there
# --keep           keeps the folders of scenarios that went well, too
#
# Full disks and power cuts need root, and are skipped without it. Exit status: 0 all promises were kept, 1 one was broken.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=
arguments=()
while (($#)); do
    case $1 in
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    --program)
        [[ -x ${2:-} ]] || {
            echo "torture.sh: ${2:-nothing} is no program" >&2
            exit 2
        }
        program=$(realpath "$2")
        shift
        ;;
    *) arguments+=("$1") ;;
    esac
    shift
done

cd "$here/.."
samples/install.sh libsqlite3-dev libpq-dev python3 postgresql
if [[ -z $program ]]; then
    swift build -c release --product backfill </dev/null
    program=$PWD/.build/release/backfill
fi
exec python3 -B Tests/Torture --program "$program" "${arguments[@]}"
