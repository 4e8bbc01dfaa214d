#!/usr/bin/env bash
# A million customers by a fleet that nothing is spared: three `backfill worker` processes on a Temporal cluster publish from one PostgreSQL
# table into another, while workers are killed with kill -9, the server is killed and comes back with its histories, and the network
# between a worker and the server is cut. In the end every row is there once, and every history is within its limit.
#
#   Tests/fleet.sh [--records N] [--seconds N] [--stage file|direct] [--seed S] [--program PATH] [--keep]
#
# --records N     customers (1000 to 8000000; default 1000000)
# --seconds N     how long publishing takes at least: so much is the pace held down (default 150)
# --stage S       the spec's `stage` (default file)
# --seed S        decides what is done when; a new one each time unless given. How fast the machine is decides the rest
# --program PATH  the `backfill`, built with the trait Temporal (default .build/debug/backfill, which Tests/run.sh builds)
# --keep          keeps the folder, with the logs of all, when it went wrong
#
# Exit status: 0 all promises were kept, 1 one was broken, 2 it cannot be done here, 3 the server cannot be installed (PyPI cannot be reached).
set -euo pipefail

records=1000000 seconds=150 stage=file seed=$((RANDOM * 32768 + RANDOM)) program= keep=
fail() {
    echo "fleet.sh: $*" >&2
    exit "${status:-2}"
}
while (($#)); do
    case $1 in
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    --records | --seconds | --seed)
        [[ ${2:-} =~ ^[1-9][0-9]{0,9}$ ]] || fail "$1 takes a number"
        declare "${1#--}=$2"
        shift
        ;;
    --stage)
        [[ ${2:-} == file || ${2:-} == direct ]] || fail "--stage is file or direct"
        stage=$2
        shift
        ;;
    --program)
        program=$(realpath "${2:?--program needs a path}")
        shift
        ;;
    --keep) keep=1 ;;
    *) fail "$1 is no option; fleet.sh --help explains them" ;;
    esac
    shift
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=${program:-$PWD/.build/debug/backfill}
[[ -x $program ]] || fail "there is no program $program; build it with: swift build --traits Temporal --product backfill"
samples/install.sh libpq-dev sqlite3 python3 >&2
temporal=$(samples/temporal/server.sh program) || exit

place=$(mktemp -d)
declare -A worker=()
proxy='' process=''
clean() {
    local code=$?
    kill -KILL "${worker[@]}" $proxy $process 2>/dev/null || true
    wait 2>/dev/null || true
    samples/temporal/server.sh remove "$place/temporal" 2>/dev/null || true
    samples/postgres/server.sh remove "$place/postgres" 2>/dev/null || true
    if ((code != 0)) && [[ -n $keep ]]; then echo "fleet.sh: what is left lies in $place" >&2; else rm -rf "$place"; fi
}
trap clean EXIT
trap 'exit 130' INT TERM

# Run by root, the server belongs to another user, who has to get through here.
chmod go+x "$place"
BACKFILL_POSTGRES=$(samples/postgres/server.sh start --fast "$place/postgres")
export BACKFILL_POSTGRES
samples/postgres/make.sh "$BACKFILL_POSTGRES" "$records" >&2
address=$(samples/temporal/server.sh start "$place/temporal")
port=${address##*:}
port=${port%%/*}
python3 -B Tests/Fleet/proxy.py "$port" >"$place/proxy.port" &
proxy=$!
until [[ -s $place/proxy.port ]]; do sleep 0.1; done

limit=100
pace=$(((records + seconds - 1) / seconds))
spec=$place/fleet.yaml state=$place/state
cat >"$spec" <<SPEC
name: fleet
source: \${BACKFILL_POSTGRES}
stage: $stage
queries:
  - {name: customers, key: id, sql: $PWD/queries/customers-postgres.sql}
buckets: 12
batch: $((records / 2000 + 1))
executors: 12
pace: $pace/s
history-limit: $limit
retry: {initial-interval: 50ms, maximum-interval: 1s, maximum-attempts: 100000}
sinks:
  - table: {database: "\${BACKFILL_POSTGRES}", name: arrived, mode: append, create: true}
SPEC

# The third one's way to the server is the one that is cut.
start_worker() {
    local way=$port
    (($1 != 3)) || way=$(<"$place/proxy.port")
    "$program" worker --state "$state" --engine "temporal://127.0.0.1:$way/default" --worker-timeout 3 \
        --batches-per-activity 3 </dev/null 2>>"$place/worker-$1.log" &
    worker[$1]=$!
}

declare -A faults=([worker]=0 [server]=0 [network]=0)
# disturb KIND: does it, and puts things right again.
disturb() {
    local victim
    case $1 in
    worker)
        victim=$((RANDOM % 3 + 1))
        kill -KILL "${worker[$victim]}" || {
            tail -n 20 "$place/worker-$victim.log" >&2
            status=1 fail "worker $victim had ended by itself (seed $seed)"
        }
        wait "${worker[$victim]}" 2>/dev/null || true
        sleep "$((RANDOM % 3)).$((RANDOM % 10))"
        start_worker "$victim"
        ;;
    server)
        samples/temporal/server.sh stop "$place/temporal" kill
        sleep "$((RANDOM % 2)).$((RANDOM % 10))"
        samples/temporal/server.sh start "$place/temporal" >/dev/null
        ;;
    network)
        # For longer than a worker may be silent.
        kill -USR1 "$proxy"
        sleep "$((RANDOM % 5 + 4))"
        kill -USR2 "$proxy"
        ;;
    esac
    faults[$1]=$((faults[$1] + 1))
}

RANDOM=$seed
echo "fleet.sh: seed $seed, $records customers at $pace a second" >&2
for number in 1 2 3; do start_worker "$number"; done
began=$SECONDS
"$program" run "$spec" --state "$state" --engine "$address" </dev/null >"$place/run.out" 2>"$place/run.log" &
process=$!
published() { sqlite3 -readonly "$state/backfill.sqlite" 'SELECT coalesce(sum(published), 0) FROM run_progress' 2>/dev/null || echo 0; }
until (($(published) > 0)); do
    kill -0 "$process" 2>/dev/null || break
    sleep 0.2
done
# Each kind once, and then whatever comes.
first=(worker network server) kinds=(worker worker worker worker network network server)
while kill -0 "$process" 2>/dev/null; do
    sleep "$((RANDOM % 4)).$((RANDOM % 10))"
    kind=${first[0]:-${kinds[RANDOM % ${#kinds[@]}]}}
    first=("${first[@]:1}")
    kill -0 "$process" 2>/dev/null || break
    disturb "$kind"
done
status=0
wait "$process" || status=$?
process=
took=$((SECONDS - began))
run=$(grep -oE 'fleet-[0-9a-z]{14}' "$place/run.out" "$place/run.log" | head -n 1 | cut -d: -f2)
((status == 0)) || {
    tail -n 20 "$place"/*.log >&2
    status=1 fail "the run ended with exit status $status (seed $seed)"
}
((faults[worker] > 0 && faults[server] > 0 && faults[network] > 0)) || status=1 fail "the run was through before each kind of fault had come; give it more --seconds"

columns="id, service, display_name, locale, settings, balance, updated_at"
expected=$(<queries/customers-postgres.sql)
digest="count(*), count(DISTINCT id), sum(hashtextextended(row.*::text, 0)::numeric)"
sql() { psql --no-psqlrc -At -v ON_ERROR_STOP=1 --dbname "$BACKFILL_POSTGRES" --command "$1"; }
source=$(sql "SELECT $digest FROM ($expected) AS row")
arrived=$(sql "SELECT $digest FROM (SELECT $columns FROM arrived) AS row")
[[ $source == "$records|$records|"* ]] || status=1 fail "the source has $source"
[[ $arrived == "$source" ]] || status=1 fail "rows, distinct ids and checksum are $arrived, and $source at the source (seed $seed)"
counted=$(sqlite3 -readonly "$state/backfill.sqlite" "SELECT published || '|' || dead_lettered FROM run_progress WHERE run_id = '$run'")
[[ $counted == "$records|0" ]] || status=1 fail "published and dead-lettered are $counted (seed $seed)"
histories=$(python3 -B Tests/Fleet/histories.py "$temporal" "127.0.0.1:$port" "$run" "$limit") || status=1 fail "the histories are not as they must be (seed $seed)"

kill -TERM "${worker[@]}"
wait "${worker[@]}" || true
echo "$records rows once each in $took s, through ${faults[worker]} workers killed, ${faults[server]} kills of the server and ${faults[network]} cuts of the network (seed $seed)"
echo "$histories"
