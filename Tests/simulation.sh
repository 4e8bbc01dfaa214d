#!/usr/bin/env bash
# Simulates ten thousand runs in one process, each on a machine of its own with a seeded order, clock, dice and disk: crashes, failed and
# delayed writes, power cuts, full disks, slow and failing subscribers, clocks that jump, people who pause, throttle and cancel. After each
# life of a process all stores and targets are compared with what has to lie there.
#
#   Tests/simulation.sh [--seeds FIRST-LAST] [--seed SEED] [--threads N] [--events]
#
# --seeds 0-9999   the seeds to simulate (these unless given); from ten thousand on, each kind of fault has to have happened
# --seed SEED      only this one, as a failure names it; it goes the same way each time
# --threads N      how many are simulated at once (default: one a processor)
# --events         prints how often each thing happened
#
# Exit status: 0 all promises were kept, 1 one was broken, or something never happened.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ ${1:-} == -h || ${1:-} == --help ]]; then
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' Tests/simulation.sh
    exit 0
fi
samples/install.sh libsqlite3-dev libpq-dev
swift build -c release --product simulate </dev/null
exec .build/release/simulate "$@"
